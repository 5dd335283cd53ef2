import { assertEquals, assertRejects } from "@std/assert";
import { Semaphore } from "../../../lib/server/access/semaphore.ts";

Deno.test("Semaphore runs so many at a time, in the order in which they came", async () => {
  const turns = new Semaphore(2);
  const began: number[] = [];
  const ends: (() => void)[] = [];
  const all = [0, 1, 2, 3].map((i) =>
    turns.run(() => {
      began.push(i);
      return new Promise<number>((resolve) => ends.push(() => resolve(i)));
    })
  );
  assertEquals(began, [0, 1]);
  ends[1]?.();
  await all[1];
  assertEquals(began, [0, 1, 2]);
  ends[0]?.();
  await all[0];
  ends[2]?.();
  ends[3]?.();
  assertEquals(await Promise.all(all), [0, 1, 2, 3]);
});

Deno.test("Semaphore goes on after work that failed", async () => {
  const turns = new Semaphore(1);
  const failing = turns.run(() => Promise.reject(new Error("no")));
  const next = turns.run(() => Promise.resolve("done"));
  await assertRejects(() => failing);
  assertEquals(await next, "done");
});
