import { assert, assertEquals } from "@std/assert";
import { RefusalNotices, TOLD_CODES } from "../../../lib/server/tunnels/refusal_notices.ts";
import { FrameType } from "../../../lib/wire/frame.ts";
import { MAX_NOTICE_LENGTH } from "../../../lib/wire/limits.ts";
import { decodeNotice, type NodeNotice } from "../../../lib/wire/notice.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { upstreamOf } from "../../testing/client_upstreams.ts";
import { tableOf } from "../../testing/protocol_document.ts";
import { SessionAndPeer } from "../../testing/session_fixture.ts";
import { settled } from "../../testing/turn.ts";
import { roomyRegistry } from "../../testing/roomy_registry.ts";

const HOST = "a.test";

const NOTICES = { features: ["notices"] } as const;

Deno.test("RefusalNotices tells a tunnel once a second what was refused since, by status and reason", async () => {
  using clock = new FakeClock();
  using near = new SessionAndPeer("server", NOTICES);
  const notices = new RefusalNotices({
    upstreamsOf: () => [upstreamOf(near.session, { hostname: HOST })],
  });
  for (let i = 0; i < 12; i++) notices.count(HOST, 429, "rate");
  notices.count(HOST, 429, "visitor");
  notices.count(HOST, 401, "auth");
  clock.advance(999);
  await settled();
  assertEquals(near.peer.take(), []);
  clock.advance(1);
  const first = [
    { status: 429, reason: "rate", count: 12 },
    { status: 429, reason: "visitor", count: 1 },
    { status: 401, reason: "auth", count: 1 },
  ];
  assertEquals(decodeNotice((await near.peer.next(FrameType.Notice)).payload).refused, first);
  notices.count(HOST, 429, "rate");
  clock.advance(999);
  await settled();
  assertEquals(near.peer.take(), []);
  clock.advance(1);
  const second = [{ status: 429, reason: "rate", count: 1 }];
  assertEquals(decodeNotice((await near.peer.next(FrameType.Notice)).payload).refused, second);
  clock.advance(5_000);
  await settled();
  assert(!near.peer.takeNames().includes("Notice"), "nothing was refused");
});

Deno.test("RefusalNotices tells each tunnel its own, under whichever name, on one session that has the feature", async () => {
  using clock = new FakeClock();
  using old = new SessionAndPeer("server");
  using one = new SessionAndPeer("server", NOTICES);
  using two = new SessionAndPeer("server", NOTICES);
  using other = new SessionAndPeer("server", NOTICES);
  const registry = roomyRegistry();
  for (const { session } of [old, one, two]) {
    registry.add(upstreamOf(session, { hostname: HOST, more: ["name.test"] }));
  }
  registry.add(upstreamOf(other.session, { hostname: "other.test", thumbprint: "another" }));
  const notices = new RefusalNotices({ upstreamsOf: (hostname) => registry.upstreamsOf(hostname) });
  notices.count(HOST, 403, "address");
  notices.count("name.test", 403, "address");
  notices.count("other.test", 503, "streams");
  notices.count("gone.test", 503, "streams");
  clock.advance(1_000);
  await settled();
  const seen = [old, one, two, other].map(({ peer }) =>
    peer.take().filter(({ type }) => type === FrameType.Notice).map(({ payload }) =>
      decodeNotice(payload).refused.map(({ reason, count }) => [reason, count])
    )
  );
  assertEquals(seen, [[], [[["address", 2]]], [], [[["streams", 1]]]]);
});

Deno.test("RefusalNotices.finished counts a visitor whom the server answered itself, and no other", async () => {
  using clock = new FakeClock();
  using near = new SessionAndPeer("server", NOTICES);
  const notices = new RefusalNotices({
    upstreamsOf: () => [upstreamOf(near.session, { hostname: HOST })],
  });
  const tunnel = HOST;
  notices.finished({ tunnel }, { status: 413, code: "body" });
  notices.finished({ tunnel }, { status: 200, code: null });
  notices.finished({ tunnel }, { status: 413, code: null });
  notices.finished({ tunnel: null }, { status: 400, code: "request" });
  // The client knows by itself that its origin failed.
  notices.finished({ tunnel }, { status: 502, code: "unreachable" });
  clock.advance(1_000);
  const { payload } = await near.peer.next(FrameType.Notice);
  assertEquals(decodeNotice(payload).refused, [{ status: 413, reason: "body", count: 1 }]);
});

Deno.test("RefusalNotices keeps to the length of a Notice, whatever is counted", async () => {
  using clock = new FakeClock();
  using near = new SessionAndPeer("server", NOTICES);
  const notices = new RefusalNotices({
    upstreamsOf: () => [upstreamOf(near.session, { hostname: HOST })],
  });
  for (const code of TOLD_CODES) {
    for (let status = 400; status < 600; status++) notices.count(HOST, status, code);
  }
  clock.advance(1_000);
  const { payload } = await near.peer.next(FrameType.Notice);
  assert(payload.length <= MAX_NOTICE_LENGTH / 2, `${payload.length} bytes`);
  assertEquals(decodeNotice(payload).refused.length, 32);
});

Deno.test("RefusalNotices tells another node of refused visitors of tunnels that are not here, of so many at once", () => {
  using clock = new FakeClock();
  const told: NodeNotice[] = [];
  const notices = new RefusalNotices({
    upstreamsOf: () => [],
    tellElsewhere: (notice) => told.push(notice),
  });
  const refuse = (tunnel: string) => notices.finished({ tunnel }, { status: 413, code: "body" });
  for (const tunnel of [HOST, HOST]) refuse(tunnel);
  // What another node tells of a tunnel that is not here is not passed on: it could go round for ever.
  notices.countAll({ hostname: "b.example", refused: [{ status: 413, reason: "body", count: 1 }] });
  clock.advance(1_000);
  assertEquals(told.splice(0), [
    { hostname: HOST, refused: [{ status: 413, reason: "body", count: 2 }] },
  ]);
  for (let i = 0; i < 2_000; i++) refuse(`${i}.example`);
  clock.advance(1_000);
  assertEquals(told.length, 1_000);
  notices.close();
});

Deno.test("RefusalNotices tells a client of visitors whom another node has refused", async () => {
  using clock = new FakeClock();
  using near = new SessionAndPeer("server", NOTICES);
  const notices = new RefusalNotices({
    upstreamsOf: () => [upstreamOf(near.session, { hostname: HOST })],
  });
  notices.count(HOST, 413, "body");
  notices.countAll({ hostname: HOST, refused: [{ status: 413, reason: "body", count: 4 }] });
  clock.advance(1_000);
  const { payload } = await near.peer.next(FrameType.Notice);
  assertEquals(decodeNotice(payload).refused, [{ status: 413, reason: "body", count: 5 }]);
});

Deno.test("PROTOCOL.md lists the reasons that RefusalNotices tells", () => {
  assertEquals(
    tableOf("reason").map(([name]) => name),
    [...TOLD_CODES].map((code) => `\`${code}\``),
  );
});

Deno.test("RefusalNotices.close tells nothing more and leaves no timer", async () => {
  using clock = new FakeClock();
  using near = new SessionAndPeer("server", NOTICES);
  const before = clock.pending;
  const notices = new RefusalNotices({
    upstreamsOf: () => [upstreamOf(near.session, { hostname: HOST })],
  });
  notices.count(HOST, 429, "rate");
  notices.close();
  notices.count(HOST, 429, "rate");
  assertEquals(clock.pending, before);
  clock.advance(1_000);
  await settled();
  assertEquals(near.peer.take(), []);
});

Deno.test("RefusalNotices that were closed begin no timer for a visitor who is refused later", () => {
  using clock = new FakeClock();
  using near = new SessionAndPeer("server", NOTICES);
  const upstreams = [upstreamOf(near.session, { hostname: HOST })];
  const before = clock.pending;
  const notices = new RefusalNotices({ upstreamsOf: () => upstreams });
  notices.close();
  notices.count(HOST, 429, "rate");
  assertEquals(clock.pending, before);
});
