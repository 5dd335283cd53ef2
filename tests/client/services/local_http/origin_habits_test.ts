import { assertEquals } from "@std/assert";
import { OriginHabits } from "../../../../lib/client/services/local_http/origin_habits.ts";
import { FakeClock } from "../../../testing/fake_clock.ts";

Deno.test("OriginHabits trusts no connection before the origin was seen to keep one", () => {
  const habits = new OriginHabits();
  assertEquals(habits.safeIdleTime, 0);
  habits.isStillOpen(99);
  assertEquals(habits.safeIdleTime, 0);
  habits.isStillOpen(100);
  assertEquals(habits.safeIdleTime, Infinity);
  const other = new OriginHabits();
  other.servedAgain(0);
  assertEquals(other.safeIdleTime, Infinity);
});

Deno.test("OriginHabits trusts a connection for half the time after which the origin closed one", () => {
  const habits = new OriginHabits();
  habits.servedAgain(5);
  habits.closed(500);
  habits.closed(900);
  assertEquals(habits.safeIdleTime, 250);
  habits.servedAgain(100);
  assertEquals(habits.safeIdleTime, 250, "it is no news that it keeps them for less");
  habits.servedAgain(600);
  assertEquals(habits.safeIdleTime, Infinity, "it closed that one for another reason");
  habits.closed(0);
  assertEquals(habits.safeIdleTime, 0);
});

Deno.test("OriginHabits suspects an origin that spoke unasked for ten minutes", () => {
  using clock = new FakeClock();
  const habits = new OriginHabits();
  assertEquals(habits.isSuspect, false);
  habits.spoke();
  clock.advance(599_000);
  assertEquals(habits.isSuspect, true);
  clock.advance(2_000);
  assertEquals(habits.isSuspect, false);
});
