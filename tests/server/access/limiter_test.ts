import { assertEquals } from "@std/assert";
import { Limiter } from "../../../lib/server/access/limiter.ts";
import { FakeClock } from "../../testing/fake_clock.ts";

/** Takes so many tokens and returns how many it got. */
function taken(limiter: Limiter, name: string, times: number): number {
  let got = 0;
  for (let i = 0; i < times; i++) if (limiter.take(name) === 0) got++;
  return got;
}

Deno.test("Limiter lets a period's count through at once, whatever fractions it makes", () => {
  for (const count of [1, 3, 7, 100, 999]) {
    using _clock = new FakeClock();
    assertEquals(
      taken(new Limiter({ count, period: 1000 }, { most: 1000 }), "a", 2 * count),
      count,
    );
  }
});

Deno.test("Limiter lets one more through with each share of the period", () => {
  using clock = new FakeClock();
  const limiter = new Limiter({ count: 10, period: 1000 }, { most: 1000 });
  assertEquals(taken(limiter, "a", 20), 10);
  clock.advance(99);
  assertEquals(taken(limiter, "a", 20), 0);
  clock.advance(1);
  assertEquals(taken(limiter, "a", 20), 1);
  clock.advance(350);
  assertEquals(taken(limiter, "a", 20), 3);
  clock.advance(60_000);
  assertEquals(taken(limiter, "a", 20), 10);
});

Deno.test("Limiter tells how long the next token takes, and a refusal takes none", () => {
  using clock = new FakeClock();
  const limiter = new Limiter({ count: 2, period: 60_000 }, { most: 1000 });
  taken(limiter, "a", 2);
  for (let i = 0; i < 5; i++) assertEquals(Math.round(limiter.take("a")), 30_000);
  clock.advance(12_000);
  assertEquals(Math.round(limiter.take("a")), 18_000);
  clock.advance(18_000);
  assertEquals(limiter.take("a"), 0);
});

Deno.test("Limiter keeps names apart", () => {
  using _clock = new FakeClock();
  const limiter = new Limiter({ count: 1, period: 1000 }, { most: 1000 });
  assertEquals([taken(limiter, "a", 3), taken(limiter, "b", 3)], [1, 1]);
});

Deno.test("Limiter forgets names that were quiet for a period", () => {
  using clock = new FakeClock();
  const limiter = new Limiter({ count: 5, period: 1000 }, { most: 1000 });
  for (let i = 0; i < 100; i++) limiter.take(`quiet${i}`);
  assertEquals(limiter.size, 100);
  clock.advance(1000);
  for (let i = 0; i < 30; i++) {
    clock.advance(200);
    limiter.take("busy");
  }
  assertEquals(limiter.size, 1);
});

Deno.test("Limiter keeps no more names than it may, and forgets the one used longest ago", () => {
  using _clock = new FakeClock();
  const limiter = new Limiter({ count: 1, period: 1000 }, { most: 3 });
  for (const name of ["a", "b", "c", "d"]) assertEquals(limiter.take(name), 0, name);
  assertEquals(limiter.size, 3);
  assertEquals(["b", "c", "d"].map((name) => taken(limiter, name, 1)), [0, 0, 0]);
  assertEquals(limiter.take("a"), 0);
});
