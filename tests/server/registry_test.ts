import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { FIXED_HOSTNAME } from "../../lib/server/hostname.ts";
import { Registry } from "../../lib/server/registry.ts";
import { FrameType } from "../../lib/tunnel/frame.ts";
import { RegistrationError } from "../../lib/tunnel/registration_error.ts";
import type { Session } from "../../lib/tunnel/session.ts";
import { memberOf } from "../testing/members.ts";
import { SessionAndPeer } from "../testing/session_fixture.ts";
import { settled } from "../testing/turn.ts";

const HOST = "a.test";

Deno.test("Registry.select tells a name that never was from one whose client is away", () => {
  const registry = new Registry({ fixed: false });
  using near = new SessionAndPeer("server");
  assertEquals(registry.select(HOST), "unknown");
  const member = memberOf(near.session, { hostname: HOST });
  registry.add(member);
  assertStrictEquals(registry.select(HOST), member);
  registry.remove(member);
  assertEquals([registry.select(HOST), registry.size], ["away", 0]);
});

Deno.test("Registry.select gives the session with the fewest streams", async () => {
  const registry = new Registry({ fixed: false });
  using one = new SessionAndPeer("server");
  using two = new SessionAndPeer("server");
  registry.add(memberOf(one.session, { hostname: HOST }));
  registry.add(memberOf(two.session, { hostname: HOST }));
  one.peer.send(FrameType.Pong, { payload: "12345678" });
  await settled();
  open(one);
  assertStrictEquals(sessionAt(registry), two.session);
  open(two);
  open(two);
  assertStrictEquals(sessionAt(registry), one.session);
});

Deno.test("Registry.select prefers a newcomer to sessions that have not answered since it came", async () => {
  const registry = new Registry({ fixed: false });
  using old = new SessionAndPeer("server");
  using newcomer = new SessionAndPeer("server");
  registry.add(memberOf(old.session, { hostname: HOST }));
  registry.add(memberOf(newcomer.session, { hostname: HOST }));
  open(newcomer);
  assertStrictEquals(sessionAt(registry), newcomer.session, "the old one may be dead");
  await old.peer.next(FrameType.Ping);
  old.peer.send(FrameType.Pong, { payload: "12345678" });
  await settled();
  assertStrictEquals(sessionAt(registry), old.session, "it lives and has fewer streams");
});

Deno.test("Registry.select passes over a session that drains, and calls the tunnel away when all do", () => {
  const registry = new Registry({ fixed: false });
  using near = new SessionAndPeer("server");
  registry.add(memberOf(near.session, { hostname: HOST }));
  void near.session.drain("restart");
  assertEquals(registry.select(HOST), "away");
});

Deno.test("Registry.add lets no other key to a hostname that is in use", () => {
  const registry = new Registry({ fixed: false });
  using owner = new SessionAndPeer("server");
  using other = new SessionAndPeer("server");
  registry.add(memberOf(owner.session, { hostname: HOST }));
  assertEquals(
    refusal(() => registry.add(memberOf(other.session, { hostname: HOST, thumbprint: "another" }))),
    "hostname_taken",
  );
  assertStrictEquals(sessionAt(registry), owner.session);
});

Deno.test("Registry.add keeps the fixed hostname for the first key, also while its client is away", () => {
  const registry = new Registry({ fixed: true });
  using owner = new SessionAndPeer("server");
  assertEquals(registry.select(FIXED_HOSTNAME), "away");
  const member = memberOf(owner.session, { hostname: FIXED_HOSTNAME });
  registry.add(member);
  registry.remove(member);
  using other = new SessionAndPeer("server");
  const taken = () =>
    registry.add(memberOf(other.session, { hostname: FIXED_HOSTNAME, thumbprint: "another" }));
  assertEquals(refusal(taken), "hostname_taken");
  registry.add(memberOf(owner.session, { hostname: FIXED_HOSTNAME }));
});

Deno.test("Registry.add takes at most 64 sessions for a hostname", () => {
  const registry = new Registry({ fixed: false });
  using near = new SessionAndPeer("server");
  for (let i = 0; i < 64; i++) registry.add(memberOf(near.session, { hostname: HOST }));
  assertEquals(
    refusal(() => registry.add(memberOf(near.session, { hostname: HOST }))),
    "try_again",
  );
});

Deno.test("Registry forgets the names that went away longest ago, not the latest", () => {
  const registry = new Registry({ fixed: false });
  using near = new SessionAndPeer("server");
  for (let i = 0; i <= 10_000; i++) {
    const member = memberOf(near.session, { hostname: `${i}.test` });
    registry.add(member);
    registry.remove(member);
  }
  assertEquals([registry.select("0.test"), registry.select("10000.test")], ["unknown", "away"]);
});

function open(near: SessionAndPeer): void {
  near.session.open(FrameType.HTTPRequest, new Uint8Array(2), true).response.catch(() => {});
}

function sessionAt(registry: Registry): Session | string {
  const found = registry.select(HOST);
  return typeof found === "string" ? found : found.session;
}

function refusal(add: () => void): string {
  return assertThrows(add, RegistrationError).code;
}
