import { assertEquals, assertRejects } from "@std/assert";
import { Turns } from "../../../lib/server/access/semaphore.ts";

Deno.test("Turns runs so many at a time, in the order in which they came", async () => {
  const turns = new Turns(2);
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

Deno.test("Turns goes on after work that failed", async () => {
  const turns = new Turns(1);
  const failing = turns.run(() => Promise.reject(new Error("no")));
  const next = turns.run(() => Promise.resolve("done"));
  await assertRejects(() => failing);
  assertEquals(await next, "done");
});
