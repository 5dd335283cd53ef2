import { assertEquals, assertRejects } from "@std/assert";
import { inTime, within } from "../../lib/net/deadline.ts";

/** Milliseconds that nothing here waits for. */
const LONG = 60_000;

Deno.test("inTime gives what comes in time, and what it fails with, and leaves no timer", async () => {
  assertEquals(await inTime(LONG, Promise.resolve(1), () => 2), 1);
  await assertRejects(() => inTime(LONG, Promise.reject(new Error("no")), () => 2), Error, "no");
});

Deno.test("inTime gives what stands for the rest, or throws it", async () => {
  const never = new Promise<number>(() => {});
  assertEquals(await inTime(1, never, () => "late"), "late");
  const late = () => {
    throw new RangeError("late");
  };
  await assertRejects(() => inTime(1, never, late), RangeError, "late");
});

Deno.test("within does not tell which it was, unless the promise fails in time", async () => {
  assertEquals(await within(LONG, Promise.resolve(1)), undefined);
  assertEquals(await within(1, new Promise(() => {})), undefined);
  await assertRejects(() => within(LONG, Promise.reject(new Error("no"))), Error, "no");
});
