import { assertEquals, assertStrictEquals } from "@std/assert";
import type { Upstream } from "../../../lib/server/tunnels/upstream.ts";
import { type Elsewhere, UpstreamFinder } from "../../../lib/server/tunnels/upstream_finder.ts";
import { ErrorCode } from "../../../lib/wire/errors.ts";
import { FrameType } from "../../../lib/wire/frame.ts";
import { encodeDisconnect } from "../../../lib/wire/reasons.ts";
import { settled } from "../../testing/turn.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { upstreamOf } from "../../testing/client_upstreams.ts";
import { SessionAndPeer } from "../../testing/session_fixture.ts";
import { roomyRegistry } from "../../testing/roomy_registry.ts";

const HOST = "a.test";

/** Milliseconds that a request waits; what is to be waited for comes at once. */
const TIMEOUT = 60_000;

/** Milliseconds after a server's start in which it no longer waits for what it never heard of. */
const SETTLED = 20_000;

Deno.test("UpstreamFinder.acquire gives a client that is here at once, without a promise", () => {
  const { registry, finder } = fixture();
  using near = new SessionAndPeer("server");
  const upstream = upstreamOf(near.session, { hostname: HOST });
  registry.add(upstream);
  assertStrictEquals(finder.acquire(HOST), upstream);
});

Deno.test("UpstreamFinder.acquire waits for a client that was here, and has it as soon as it is back", async () => {
  const { registry, finder } = fixture();
  using near = new SessionAndPeer("server");
  const upstream = upstreamOf(near.session, { hostname: HOST });
  registry.add(upstream);
  registry.remove(upstream);
  const found = [finder.acquire(HOST), finder.acquire(HOST)];
  await ticks();
  assertEquals(finder.waiting, 2);
  registry.add(upstream);
  assertEquals(await Promise.all(found), [upstream, upstream]);
  assertEquals(finder.waiting, 0);
});

Deno.test("UpstreamFinder.acquire gives a client that does not come back up after its time", async () => {
  const { registry, finder } = fixture({ acquireTimeout: 20 });
  using near = new SessionAndPeer("server");
  const upstream = upstreamOf(near.session, { hostname: HOST });
  registry.add(upstream);
  registry.remove(upstream);
  assertEquals([await finder.acquire(HOST), finder.waiting], ["away", 0]);
});

Deno.test("UpstreamFinder.acquire waits for names that a server which has just started does not know yet", async () => {
  const { registry, finder } = fixture();
  using near = new SessionAndPeer("server");
  const upstream = upstreamOf(near.session, { hostname: HOST });
  const found = finder.acquire(HOST);
  await ticks();
  registry.add(upstream);
  assertStrictEquals(await found, upstream);
});

Deno.test("UpstreamFinder.acquire does not wait for a name that nobody knows once clients had time to come", async () => {
  using clock = new FakeClock();
  const { finder } = fixture();
  clock.advance(SETTLED);
  assertEquals([await finder.acquire(HOST), finder.waiting], ["unknown", 0]);
});

Deno.test("UpstreamFinder.acquire waits for nobody where a server that is alone stops", async () => {
  const { registry, finder } = fixture({ isStopping: () => true });
  using near = new SessionAndPeer("server");
  const upstream = upstreamOf(near.session, { hostname: HOST });
  registry.add(upstream);
  registry.remove(upstream);
  assertEquals([await finder.acquire(HOST), finder.waiting], ["away", 0]);
});

Deno.test("UpstreamFinder.acquire waits for nobody who said farewell, nor for those lost a minute ago", async (t) => {
  await t.step("farewell", async () => {
    const { registry, finder } = fixture();
    using near = new SessionAndPeer("server");
    const upstream = upstreamOf(near.session, { hostname: HOST });
    registry.add(upstream);
    farewell(near);
    await settled();
    // It finishes what it has, and takes nothing new.
    assertEquals([await finder.acquire(HOST), finder.waiting], ["gone", 0]);
    registry.remove(upstream);
    assertEquals([await finder.acquire(HOST), finder.waiting], ["gone", 0]);
  });
  await t.step("farewell of the last of several, while requests wait", async () => {
    const { registry, finder } = fixture();
    using near = new SessionAndPeer("server");
    const upstream = upstreamOf(near.session, { hostname: HOST });
    registry.add(upstream);
    void near.session.drain("a drain of the server's own");
    const found = finder.acquire(HOST);
    await ticks();
    assertEquals(finder.waiting, 1);
    near.peer.send(FrameType.Disconnect, {
      payload: encodeDisconnect({ code: ErrorCode.GoingAway, kind: "close", reason: "" }),
    });
    await settled();
    registry.remove(upstream);
    assertEquals([await found, finder.waiting], ["gone", 0]);
  });
  await t.step("lost", async () => {
    using clock = new FakeClock();
    const { registry, finder } = fixture();
    using near = new SessionAndPeer("server");
    const upstream = upstreamOf(near.session, { hostname: HOST });
    registry.add(upstream);
    registry.remove(upstream);
    clock.advance(59_999);
    const waiting = finder.acquire(HOST);
    await ticks();
    assertEquals(finder.waiting, 1);
    clock.advance(1);
    assertEquals(await finder.acquire(HOST), "gone");
    using again = new SessionAndPeer("server");
    const returned = upstreamOf(again.session, { hostname: HOST });
    registry.add(returned);
    assertStrictEquals(await waiting, returned);
  });
});

Deno.test("UpstreamFinder.acquire lets 5,000 requests wait for one name; the next is told that it is busy", async () => {
  const { registry, finder } = fixture();
  using near = new SessionAndPeer("server");
  const upstream = upstreamOf(near.session, { hostname: HOST });
  registry.add(upstream);
  registry.remove(upstream);
  const found = Array.from({ length: 5_000 }, () => finder.acquire(HOST));
  await ticks();
  assertEquals([finder.waiting, await finder.acquire(HOST)], [5_000, "busy"]);
  registry.add(upstream);
  await Promise.all(found);
  assertEquals(finder.waiting, 0);
});

Deno.test("UpstreamFinder.acquire asks the other nodes for what is not here, again and again while it waits", async () => {
  const remote: Upstream = {
    maxBody: null,
    tellsContinue: false,
    admit: () => null,
    open() {
      throw new TypeError("nothing is opened here");
    },
  };
  const answers: ("away" | "unknown" | Upstream)[] = ["away", "unknown", remote];
  const elsewhere: Elsewhere = { find: () => Promise.resolve(answers.shift() ?? "unknown") };
  const { finder } = fixture({ elsewhere });
  assertStrictEquals(await finder.acquire(HOST), remote);
  assertEquals([answers.length, finder.waiting], [0, 0]);
});

/** Says what a client says that stops. */
function farewell({ peer }: SessionAndPeer): void {
  const payload = encodeDisconnect({ code: ErrorCode.GoingAway, kind: "drain", reason: "" });
  peer.send(FrameType.Disconnect, { payload });
}

function fixture({
  acquireTimeout = TIMEOUT,
  elsewhere = null,
  isStopping = () => false,
}: {
  readonly acquireTimeout?: number;
  readonly elsewhere?: Elsewhere | null;
  readonly isStopping?: () => boolean;
} = {}) {
  const registry = roomyRegistry();
  return {
    registry,
    finder: new UpstreamFinder({ registry, elsewhere, acquireTimeout, isStopping }),
  };
}

/** Lets what is resolved already run on. */
async function ticks(): Promise<void> {
  for (let i = 0; i < 10; i++) await null;
}
