import { assertEquals } from "@std/assert";
import { RefusalLines } from "../../../lib/client/console/refusal_lines.ts";
import { FakeClock } from "../../testing/fake_clock.ts";

const RATE = { status: 429, reason: "rate" };
const WHY = "refused by the server with 429: the tunnel had more requests than the server's " +
  "--rate-limit allows";

Deno.test("RefusalLines tells a kind at once, and then what has added up every ten seconds", () => {
  using clock = new FakeClock();
  const told: string[] = [];
  const lines = new RefusalLines((sentence) => told.push(sentence));
  lines.add({ ...RATE, count: 12 });
  assertEquals(told, [`12 visitors were ${WHY}`]);
  for (let second = 0; second < 9; second++) {
    clock.advance(1_000);
    lines.add({ ...RATE, count: 2 });
  }
  assertEquals(told.length, 1);
  clock.advance(1_000);
  assertEquals(told.slice(1), [`18 visitors were ${WHY}`]);
  clock.advance(20_000);
  assertEquals([told.length, clock.pending], [2, 0], "what is over is told no more");
  lines.add({ ...RATE, count: 1 });
  assertEquals(told.at(-1), `1 visitor was ${WHY}`);
  lines.close();
});

Deno.test("RefusalLines tells kinds apart, and names a reason that it does not know", () => {
  using clock = new FakeClock();
  const told: string[] = [];
  const lines = new RefusalLines((sentence) => told.push(sentence));
  lines.add({ ...RATE, count: 1 });
  lines.add({ status: 418, reason: "teapot", count: 1 });
  assertEquals(told[1], "1 visitor was refused by the server with 418: teapot");
  lines.add({ status: 418, reason: "teapot", count: 3 });
  lines.close();
  assertEquals(told[2], "3 visitors were refused by the server with 418: teapot");
  assertEquals(clock.pending, 0);
});

Deno.test("RefusalLines keeps 32 kinds at most", () => {
  using clock = new FakeClock();
  const told: string[] = [];
  const lines = new RefusalLines((sentence) => told.push(sentence));
  for (let i = 0; i < 100; i++) lines.add({ status: 418, reason: `r${i}`, count: 1 });
  assertEquals(told.length, 32);
  lines.close();
  assertEquals(clock.pending, 0);
});
