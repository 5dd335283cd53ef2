import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { FIXED_HOSTNAME } from "../../lib/server/hostname.ts";
import { Registry } from "../../lib/server/registry.ts";
import { FrameType } from "../../lib/tunnel/frame.ts";
import { RegistrationError } from "../../lib/tunnel/registration_error.ts";
import { SessionAndPeer } from "../testing/session_fixture.ts";
import { settled } from "../testing/turn.ts";

const HOST = "a.test";

Deno.test("Registry.select tells a name that never was from one whose client is away", () => {
  const registry = new Registry({ fixed: false });
  using near = new SessionAndPeer("server");
  assertEquals(registry.select(HOST), "unknown");
  registry.add(HOST, "key", near.session);
  assertStrictEquals(registry.select(HOST), near.session);
  registry.remove(HOST, near.session);
  assertEquals([registry.select(HOST), registry.size], ["away", 0]);
});

Deno.test("Registry.select gives the session with the fewest streams", async () => {
  const registry = new Registry({ fixed: false });
  using one = new SessionAndPeer("server");
  using two = new SessionAndPeer("server");
  registry.add(HOST, "key", one.session);
  registry.add(HOST, "key", two.session);
  one.peer.send(FrameType.Pong, { payload: "12345678" });
  await settled();
  open(one);
  assertStrictEquals(registry.select(HOST), two.session);
  open(two);
  open(two);
  assertStrictEquals(registry.select(HOST), one.session);
});

Deno.test("Registry.select prefers a newcomer to sessions that have not answered since it came", async () => {
  const registry = new Registry({ fixed: false });
  using old = new SessionAndPeer("server");
  using newcomer = new SessionAndPeer("server");
  registry.add(HOST, "key", old.session);
  registry.add(HOST, "key", newcomer.session);
  open(newcomer);
  assertStrictEquals(registry.select(HOST), newcomer.session, "the old one may be dead");
  await old.peer.next(FrameType.Ping);
  old.peer.send(FrameType.Pong, { payload: "12345678" });
  await settled();
  assertStrictEquals(registry.select(HOST), old.session, "it lives and has fewer streams");
});

Deno.test("Registry.select passes over a session that drains, and calls the tunnel away when all do", () => {
  const registry = new Registry({ fixed: false });
  using near = new SessionAndPeer("server");
  registry.add(HOST, "key", near.session);
  void near.session.drain("restart");
  assertEquals(registry.select(HOST), "away");
});

Deno.test("Registry.add lets no other key to a hostname that is in use", () => {
  const registry = new Registry({ fixed: false });
  using owner = new SessionAndPeer("server");
  using other = new SessionAndPeer("server");
  registry.add(HOST, "key", owner.session);
  assertEquals(refusal(() => registry.add(HOST, "another", other.session)), "hostname_taken");
  assertStrictEquals(registry.select(HOST), owner.session);
});

Deno.test("Registry.add keeps the fixed hostname for the first key, also while its client is away", () => {
  const registry = new Registry({ fixed: true });
  using owner = new SessionAndPeer("server");
  assertEquals(registry.select(FIXED_HOSTNAME), "away");
  registry.add(FIXED_HOSTNAME, "key", owner.session);
  registry.remove(FIXED_HOSTNAME, owner.session);
  using other = new SessionAndPeer("server");
  const taken = () => registry.add(FIXED_HOSTNAME, "another", other.session);
  assertEquals(refusal(taken), "hostname_taken");
  registry.add(FIXED_HOSTNAME, "key", owner.session);
});

Deno.test("Registry.add takes at most 64 sessions for a hostname", () => {
  const registry = new Registry({ fixed: false });
  using near = new SessionAndPeer("server");
  for (let i = 0; i < 64; i++) registry.add(HOST, "key", near.session);
  assertEquals(refusal(() => registry.add(HOST, "key", near.session)), "try_again");
});

Deno.test("Registry forgets the names that went away longest ago, not the latest", () => {
  const registry = new Registry({ fixed: false });
  using near = new SessionAndPeer("server");
  for (let i = 0; i <= 10_000; i++) {
    registry.add(`${i}.test`, "key", near.session);
    registry.remove(`${i}.test`, near.session);
  }
  assertEquals([registry.select("0.test"), registry.select("10000.test")], ["unknown", "away"]);
});

function open(near: SessionAndPeer): void {
  near.session.open(FrameType.HTTPRequest, new Uint8Array(2), true).response.catch(() => {});
}

function refusal(add: () => void): string {
  return assertThrows(add, RegistrationError).code;
}
