import { assert, assertEquals, assertFalse } from "@std/assert";
import { DEAD_AFTER, PING_AFTER, SOCKET_LIMIT } from "../../lib/wire/limits.ts";
import { Keepalive, type Verdict } from "../../lib/mux/keepalive.ts";

/** Milliseconds of a clock that does not begin at zero. */
const START = 5_000;

Deno.test("Keepalive says nothing while the peer is heard", () => {
  const peer = new Keepalive(START);
  for (let now = START; now < START + 60_000; now += 1000) {
    peer.heard(now);
    assertEquals(peer.judge(now + 999, false, 0), "alive");
  }
});

Deno.test("Keepalive asks for one ping after 10 s of silence and gives up after 20 s", () => {
  const peer = new Keepalive(START);
  assertEquals(peer.judge(START + PING_AFTER - 1, false, 0), "alive");
  assertEquals(peer.judge(START + PING_AFTER, false, 0), "ping");
  assertEquals(peer.judge(START + PING_AFTER + 1000, false, 0), "alive");
  assertEquals(peer.judge(START + DEAD_AFTER - 1, false, 0), "alive");
  assert(isDead(peer.judge(START + DEAD_AFTER, false, 0)));
});

Deno.test("Keepalive begins anew with anything that is heard, a moment before the end too", () => {
  const peer = new Keepalive(START);
  assertEquals(peer.judge(START + PING_AFTER, false, 0), "ping");
  peer.heard(START + DEAD_AFTER - 1);
  assertEquals(peer.judge(START + DEAD_AFTER, false, 0), "alive");
  assertEquals(peer.judge(START + DEAD_AFTER - 1 + PING_AFTER, false, 0), "ping");
});

Deno.test("Keepalive asks before it judges when the process could not run", () => {
  const peer = new Keepalive(START);
  const woken = START + 3_600_000;
  assertEquals(peer.judge(woken, true, 0), "ping");
  assert(peer.probing);
  assertFalse(isDead(peer.judge(woken + 4_999, false, 0)));
  assert(isDead(peer.judge(woken + 5_000, false, 0)), "no answer to the probe");
});

Deno.test("Keepalive goes on when the peer answers after the process woke", () => {
  const peer = new Keepalive(START);
  const woken = START + 3_600_000;
  peer.judge(woken, true, 0);
  peer.heard(woken + 100);
  assertFalse(peer.probing);
  assertEquals(peer.judge(woken + 6_000, false, 0), "alive");
});

Deno.test("Keepalive gives a silent peer up although a clock keeps jumping as if the process slept", () => {
  const peer = new Keepalive(START);
  for (let now = START; now < START + DEAD_AFTER; now += 1000) {
    const isAhead = now % 2000 === 0;
    if (isDead(peer.judge(now, isAhead, 0))) return;
  }
  throw new Error("not given up");
});

Deno.test("Keepalive keeps a peer that answers, however often a clock jumps", () => {
  const peer = new Keepalive(START);
  for (let now = START; now < START + 60_000; now += 1000) {
    assertFalse(isDead(peer.judge(now, true, 0)));
    if (now % 4000 === 0) peer.heard(now + 500);
  }
});

Deno.test("Keepalive.probe doubts until the peer is heard, and gives up after 5 s", () => {
  const peer = new Keepalive(START);
  assert(peer.probe(START), "a ping is to be sent");
  assertFalse(peer.probe(START + 1), "one is under way");
  assert(peer.probing);
  assertEquals(peer.judge(START + 4_999, false, 0), "alive");
  assert(isDead(peer.judge(START + 5_000, false, 0)));
  peer.heard(START + 5_001);
  assertFalse(peer.probing);
});

Deno.test("Keepalive gives up a peer that takes nothing from its socket for 20 s, even one that talks", () => {
  const peer = new Keepalive(START);
  const verdicts: boolean[] = [];
  for (let second = 1; second <= 21; second++) {
    peer.heard(START + second * 1000);
    verdicts.push(isDead(peer.judge(START + second * 1000, false, 1000)));
  }
  assertEquals(verdicts.indexOf(true), 19, "20 s after it was last empty");
});

Deno.test("Keepalive lets a slow reader live as long as its socket moves", () => {
  const peer = new Keepalive(START);
  for (let second = 1; second <= 120; second++) {
    const now = START + second * 1000;
    peer.heard(now);
    assertEquals(peer.judge(now, false, 100_000 - second), "alive");
  }
});

Deno.test("Keepalive gives up a socket that holds more than 16 MiB", () => {
  const peer = new Keepalive(START);
  assertEquals(peer.judge(START, false, SOCKET_LIMIT), "alive");
  assert(isDead(peer.judge(START, false, SOCKET_LIMIT + 1)));
});

function isDead(verdict: Verdict): boolean {
  return typeof verdict === "object";
}
