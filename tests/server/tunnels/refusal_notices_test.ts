import { assert, assertEquals } from "@std/assert";
import { RefusalNotices } from "../../../lib/server/tunnels/refusal_notices.ts";
import { FrameType } from "../../../lib/wire/frame.ts";
import { MAX_NOTICE_LENGTH } from "../../../lib/wire/limits.ts";
import { decodeNotice } from "../../../lib/wire/notice.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { SessionAndPeer } from "../../testing/session_fixture.ts";
import { settled } from "../../testing/turn.ts";

const HOST = "a.test";

const NOTICES = { features: ["notices"] } as const;

Deno.test("RefusalNotices tells a tunnel once a second what was refused since, by status and reason", async () => {
  using clock = new FakeClock();
  using near = new SessionAndPeer("server", NOTICES);
  const notices = new RefusalNotices({ sessionsOf: () => [near.session] });
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
  assertEquals(decodeNotice((await near.peer.next(FrameType.Notice)).payload), first);
  notices.count(HOST, 429, "rate");
  clock.advance(999);
  await settled();
  assertEquals(near.peer.take(), []);
  clock.advance(1);
  const second = [{ status: 429, reason: "rate", count: 1 }];
  assertEquals(decodeNotice((await near.peer.next(FrameType.Notice)).payload), second);
  clock.advance(5_000);
  await settled();
  assert(!near.peer.takeNames().includes("Notice"), "nothing was refused");
});

Deno.test("RefusalNotices tells each tunnel its own, on one session that has the feature", async () => {
  using clock = new FakeClock();
  using old = new SessionAndPeer("server");
  using one = new SessionAndPeer("server", NOTICES);
  using two = new SessionAndPeer("server", NOTICES);
  using other = new SessionAndPeer("server", NOTICES);
  const notices = new RefusalNotices({
    sessionsOf: (hostname) => {
      if (hostname === HOST) return [old.session, one.session, two.session];
      return hostname === "other.test" ? [other.session] : [];
    },
  });
  notices.count(HOST, 403, "address");
  notices.count("other.test", 503, "streams");
  notices.count("gone.test", 503, "streams");
  clock.advance(1_000);
  await settled();
  const seen = [old, one, two, other].map(({ peer }) =>
    peer.take().map(({ payload }) => decodeNotice(payload).map(({ reason }) => reason))
  );
  assertEquals(seen, [[], [["address"]], [], [["streams"]]]);
});

Deno.test("RefusalNotices keeps to the length of a Notice, whatever is counted", async () => {
  using clock = new FakeClock();
  using near = new SessionAndPeer("server", NOTICES);
  const notices = new RefusalNotices({ sessionsOf: () => [near.session] });
  for (let kind = 0; kind < 1_000; kind++) {
    for (let i = 0; i < 20; i++) notices.count(HOST, 429, `${kind}`.padStart(32, "x"));
  }
  clock.advance(1_000);
  const { payload } = await near.peer.next(FrameType.Notice);
  assert(payload.length <= MAX_NOTICE_LENGTH, `${payload.length} bytes`);
  assertEquals(decodeNotice(payload).map(({ count }) => count), new Array(32).fill(20));
});

Deno.test("RefusalNotices.close tells nothing more and leaves no timer", async () => {
  using clock = new FakeClock();
  using near = new SessionAndPeer("server", NOTICES);
  const before = clock.pending;
  const notices = new RefusalNotices({ sessionsOf: () => [near.session] });
  notices.count(HOST, 429, "rate");
  notices.close();
  notices.count(HOST, 429, "rate");
  assertEquals(clock.pending, before);
  clock.advance(1_000);
  await settled();
  assertEquals(near.peer.take(), []);
});
