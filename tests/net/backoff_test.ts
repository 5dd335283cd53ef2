import { assert, assertEquals } from "@std/assert";
import { Backoff } from "../../lib/net/backoff.ts";

Deno.test("Backoff doubles from 0.5 s to 10 s and stays there", () => {
  const backoff = new Backoff({ random: () => 1 });
  const waits = Array.from({ length: 8 }, () => backoff.next());
  assertEquals(waits, [500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
});

Deno.test("Backoff never waits less than half a step, so that it cannot spin", () => {
  const backoff = new Backoff({ random: () => 0 });
  const waits = Array.from({ length: 7 }, () => backoff.next());
  assertEquals(waits, [250, 500, 1000, 2000, 4000, 5000, 5000]);
});

Deno.test("Backoff.reset starts from the first step", () => {
  const backoff = new Backoff({ random: () => 1 });
  for (let i = 0; i < 5; i++) backoff.next();
  backoff.reset();
  assertEquals(backoff.next(), 500);
});

Deno.test("Backoff spreads its waits and stays within bounds after thousands of attempts", () => {
  const backoff = new Backoff();
  const waits = Array.from({ length: 5000 }, () => backoff.next()).slice(10);
  assert(waits.every((wait) => wait >= 5000 && wait <= 10_000));
  assert(new Set(waits).size > 100);
});

Deno.test("Backoff takes other bounds, and a most below the first changes nothing", () => {
  const backoff = new Backoff({ first: 100, most: 10, random: () => 1 });
  assertEquals([backoff.next(), backoff.next()], [100, 100]);
});
