import { assertEquals, assertRejects } from "@std/assert";
import { waitAtMost, withTimeout } from "../../lib/net/with_timeout.ts";

/** Milliseconds that nothing here waits for. */
const LONG = 60_000;

Deno.test("withTimeout gives what comes in time, and what it fails with, and leaves no timer", async () => {
  assertEquals(await withTimeout(LONG, Promise.resolve(1), () => 2), 1);
  await assertRejects(
    () => withTimeout(LONG, Promise.reject(new Error("no")), () => 2),
    Error,
    "no",
  );
});

Deno.test("withTimeout gives what stands for the rest, or throws it", async () => {
  const never = new Promise<number>(() => {});
  assertEquals(await withTimeout(1, never, () => "late"), "late");
  const late = () => {
    throw new RangeError("late");
  };
  await assertRejects(() => withTimeout(1, never, late), RangeError, "late");
});

Deno.test("waitAtMost does not tell which it was, unless the promise fails in time", async () => {
  assertEquals(await waitAtMost(LONG, Promise.resolve(1)), undefined);
  assertEquals(await waitAtMost(1, new Promise(() => {})), undefined);
  await assertRejects(() => waitAtMost(LONG, Promise.reject(new Error("no"))), Error, "no");
});
