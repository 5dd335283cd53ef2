import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { FIXED_HOSTNAME } from "../../../lib/server/router.ts";
import { Registry } from "../../../lib/server/tunnels/registry.ts";
import { ErrorCode } from "../../../lib/wire/errors.ts";
import { FrameType } from "../../../lib/wire/frame.ts";
import { encodeDisconnect } from "../../../lib/wire/reasons.ts";
import { RegistrationError } from "../../../lib/wire/registration_error.ts";
import type { Session } from "../../../lib/mux/session.ts";
import { coded } from "../../testing/frame_peer.ts";
import { upstreamOf } from "../../testing/client_upstreams.ts";
import { SessionAndPeer } from "../../testing/session_fixture.ts";
import { settled } from "../../testing/turn.ts";
import { GET } from "../../testing/heads.ts";
import { roomyRegistry } from "../../testing/roomy_registry.ts";

const HOST = "a.test";

Deno.test("Registry.select tells a name that never was from one whose client is away", () => {
  const registry = roomyRegistry();
  using near = new SessionAndPeer("server");
  assertEquals(registry.select(HOST), "unknown");
  const upstream = upstreamOf(near.session, { hostname: HOST });
  registry.add(upstream);
  assertStrictEquals(registry.select(HOST), upstream);
  registry.remove(upstream);
  assertEquals([registry.select(HOST), registry.size], ["away", 0]);
});

Deno.test("Registry.select gives the session with the fewest streams", async () => {
  const registry = roomyRegistry();
  using one = new SessionAndPeer("server");
  using two = new SessionAndPeer("server");
  registry.add(upstreamOf(one.session, { hostname: HOST }));
  registry.add(upstreamOf(two.session, { hostname: HOST }));
  one.peer.send(FrameType.Pong, { payload: "12345678" });
  await settled();
  open(one);
  assertStrictEquals(sessionAt(registry), two.session);
  open(two);
  open(two);
  assertStrictEquals(sessionAt(registry), one.session);
});

Deno.test("Registry.select gives sessions with equally many streams in turn", async () => {
  const registry = roomyRegistry();
  using one = new SessionAndPeer("server");
  using two = new SessionAndPeer("server");
  registry.add(upstreamOf(one.session, { hostname: HOST }));
  registry.add(upstreamOf(two.session, { hostname: HOST }));
  one.peer.send(FrameType.Pong, { payload: "12345678" });
  await settled();
  const given = [0, 1, 2, 3].map(() => sessionAt(registry));
  assertEquals(given.map((session) => session === given[0]), [true, false, true, false]);
});

Deno.test("Registry.select prefers a newcomer to sessions that have not answered since it came", async () => {
  const registry = roomyRegistry();
  using old = new SessionAndPeer("server");
  using newcomer = new SessionAndPeer("server");
  registry.add(upstreamOf(old.session, { hostname: HOST }));
  registry.add(upstreamOf(newcomer.session, { hostname: HOST }));
  open(newcomer);
  assertStrictEquals(sessionAt(registry), newcomer.session, "the old one may be dead");
  await old.peer.next(FrameType.Ping);
  old.peer.send(FrameType.Pong, { payload: "12345678" });
  await settled();
  assertStrictEquals(sessionAt(registry), old.session, "it lives and has fewer streams");
});

Deno.test("Registry.load counts the streams of all upstreams that a hostname has", () => {
  const registry = roomyRegistry();
  using one = new SessionAndPeer("server");
  using two = new SessionAndPeer("server");
  for (const { session } of [one, two]) registry.add(upstreamOf(session, { hostname: HOST }));
  assertEquals([registry.load(HOST), registry.load("other.test")], [0, 0]);
  for (const end of [one, one, two]) open(end);
  assertEquals(registry.load(HOST), 3);
});

Deno.test("Registry.select gives a session that is about to drain when there is no other", async () => {
  const registry = roomyRegistry();
  using old = new SessionAndPeer("server");
  registry.add(upstreamOf(old.session, { hostname: HOST }));
  old.session.goAway("restart");
  assertStrictEquals(sessionAt(registry), old.session);
  using newcomer = new SessionAndPeer("server");
  registry.add(upstreamOf(newcomer.session, { hostname: HOST }));
  old.peer.send(FrameType.Pong, { payload: "12345678" });
  await settled();
  open(newcomer);
  assertStrictEquals(sessionAt(registry), newcomer.session, "though it has more streams");
});

Deno.test("Registry.add ends a session that runs out of stream ids when another takes its place, and not before", async () => {
  const registry = roomyRegistry();
  using old = new SessionAndPeer("server", { streamIds: { last: 3, margin: 2 } });
  registry.add(upstreamOf(old.session, { hostname: HOST }));
  open(old);
  assertEquals([old.session.idsLow, sessionAt(registry)], [true, old.session]);
  using newcomer = new SessionAndPeer("server");
  registry.add(upstreamOf(newcomer.session, { hostname: HOST }));
  assertStrictEquals(sessionAt(registry), newcomer.session);
  assertEquals([old.session.draining, old.session.load, old.end], [true, 1, undefined]);
  old.peer.send(FrameType.Reset, { stream: 1, payload: coded(0) });
  const payload = encodeDisconnect({ code: ErrorCode.GoingAway, kind: "drain", reason: "" });
  old.peer.send(FrameType.Disconnect, { payload });
  await old.peer.closed;
  assertEquals(old.end?.code, ErrorCode.GoingAway);
});

Deno.test("Registry.select passes over a session that drains, and calls the tunnel away when all do", () => {
  const registry = roomyRegistry();
  using near = new SessionAndPeer("server");
  registry.add(upstreamOf(near.session, { hostname: HOST }));
  void near.session.drain("restart");
  assertEquals(registry.select(HOST), "away");
});

Deno.test("Registry.add lets no other key to a hostname that is in use", () => {
  const registry = roomyRegistry();
  using owner = new SessionAndPeer("server");
  using other = new SessionAndPeer("server");
  registry.add(upstreamOf(owner.session, { hostname: HOST }));
  assertEquals(
    refusal(() =>
      registry.add(upstreamOf(other.session, { hostname: HOST, thumbprint: "another" }))
    ),
    "hostname_taken",
  );
  assertStrictEquals(sessionAt(registry), owner.session);
});

Deno.test("Registry.add keeps the fixed hostname for the first key, also while its client is away", () => {
  const registry = new Registry({ fixed: true, maxTunnels: 100, maxConnections: 10 });
  using owner = new SessionAndPeer("server");
  assertEquals(registry.select(FIXED_HOSTNAME), "away");
  const upstream = upstreamOf(owner.session, { hostname: FIXED_HOSTNAME });
  registry.add(upstream);
  registry.remove(upstream);
  using other = new SessionAndPeer("server");
  const taken = () =>
    registry.add(upstreamOf(other.session, { hostname: FIXED_HOSTNAME, thumbprint: "another" }));
  assertEquals(refusal(taken), "hostname_taken");
  registry.add(upstreamOf(owner.session, { hostname: FIXED_HOSTNAME }));
});

Deno.test("Registry.add takes so many sessions of one key, whatever their hostnames, and again when one has left", () => {
  const registry = new Registry({ fixed: false, maxTunnels: 100, maxConnections: 3 });
  using near = new SessionAndPeer("server");
  const add = (hostname: string, thumbprint?: string) => {
    const upstream = upstreamOf(near.session, { hostname, ...(thumbprint && { thumbprint }) });
    registry.add(upstream);
    return upstream;
  };
  const upstream = add(HOST);
  add(HOST);
  add("b.test");
  assertEquals(refusal(() => add(HOST)), "try_again");
  assertEquals(refusal(() => add("c.test")), "try_again");
  add("d.test", "another");
  registry.remove(upstream);
  registry.remove(upstream);
  add(HOST);
  assertEquals(refusal(() => add(HOST)), "try_again", "one left once, however often it is said");
});

Deno.test("Registry.add takes so many tunnels, each with all its sessions, and again when one has left", () => {
  const registry = new Registry({ fixed: false, maxTunnels: 2, maxConnections: 10 });
  using near = new SessionAndPeer("server");
  const add = (hostname: string) => {
    const upstream = upstreamOf(near.session, { hostname, thumbprint: hostname });
    registry.add(upstream);
    return upstream;
  };
  const upstreams = [add("a.test"), add("a.test"), add("b.test")];
  assertEquals(refusal(() => add("c.test")), "try_again");
  add("b.test");
  for (const upstream of upstreams) registry.remove(upstream);
  add("c.test");
  assertEquals(refusal(() => add("d.test")), "try_again", "b.test has a session left");
});

Deno.test("Registry.add counts a tunnel once, under its id and its name", () => {
  const registry = new Registry({ fixed: false, maxTunnels: 2, maxConnections: 10 });
  using near = new SessionAndPeer("server");
  const add = (hostname: string, ...more: string[]) => {
    const upstream = upstreamOf(near.session, { hostname, more });
    registry.add(upstream);
    return upstream;
  };
  const first = add(HOST, "shop.test");
  const second = add(HOST);
  add("b.test");
  assertEquals([registry.size, [...registry.upstreams()].length], [3, 3]);
  registry.remove(first);
  assertEquals(registry.select("shop.test"), "away");
  assertStrictEquals(registry.select(HOST), second);
  registry.remove(second);
  add("c.test");
  assertEquals(refusal(() => add("d.test")), "try_again");
});

Deno.test("Registry forgets the names that went away longest ago, not the latest", () => {
  const registry = roomyRegistry();
  using near = new SessionAndPeer("server");
  for (let i = 0; i <= 10_000; i++) {
    const upstream = upstreamOf(near.session, { hostname: `${i}.test` });
    registry.add(upstream);
    registry.remove(upstream);
  }
  assertEquals([registry.select("0.test"), registry.select("10000.test")], ["unknown", "away"]);
});

Deno.test("Registry.dropName leaves an upstream its id, until one that comes anew takes its place", async () => {
  const registry = roomyRegistry();
  using near = new SessionAndPeer("server");
  using fresh = new SessionAndPeer("server");
  const upstream = upstreamOf(near.session, { hostname: HOST, more: ["shop.test"] });
  registry.add(upstream);
  registry.dropName(upstream);
  assertEquals([registry.has(HOST), registry.has("shop.test")], [true, false]);
  assertEquals([upstream.name, upstream.hostnames], ["", [HOST]]);
  assertStrictEquals(sessionAt(registry), near.session);
  // Another key may have the name now.
  registry.add(
    upstreamOf(fresh.session, { hostname: "b.test", more: ["shop.test"], thumbprint: "b" }),
  );
  using successor = new SessionAndPeer("server");
  registry.add(upstreamOf(successor.session, { hostname: HOST }));
  assertStrictEquals(sessionAt(registry), successor.session);
  assertEquals(near.session.draining, true);
  registry.remove(upstream);
  assertEquals([registry.has(HOST), registry.has("shop.test")], [true, true]);
  await settled();
});

function open(near: SessionAndPeer): void {
  near.session.open(FrameType.HTTPRequest, GET, true).response.catch(() => {});
}

function sessionAt(registry: Registry): Session | string {
  const found = registry.select(HOST);
  return typeof found === "string" ? found : found.session;
}

function refusal(add: () => void): string {
  return assertThrows(add, RegistrationError).code;
}
