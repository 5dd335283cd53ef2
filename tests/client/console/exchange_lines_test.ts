import { assertEquals } from "@std/assert";
import { ExchangeLines } from "../../../lib/client/console/exchange_lines.ts";
import type { ShownExchange } from "../../../lib/client/console/exchange_line.ts";
import { plain } from "../../../lib/client/console/paint.ts";
import { FakeClock } from "../../testing/fake_clock.ts";

const GET: ShownExchange = {
  ...{ kind: "http", state: "complete", replayOf: null, method: "GET", target: "/", status: 200 },
  ...{ duration: 12, responseSize: 4096, messages: null, resetCode: 0, closeCode: null },
  tunnel: "",
};

Deno.test("ExchangeLines writes the first ten of a second, and sums up the rest by outcome", () => {
  using clock = new FakeClock();
  const { lines, written } = linesAndWritten();
  for (let i = 0; i < 10; i++) lines.add(GET);
  for (let i = 0; i < 209; i++) lines.add(GET);
  for (let i = 0; i < 5; i++) lines.add({ ...GET, status: 304 });
  assertEquals(written.length, 10);
  clock.advance(1000);
  assertEquals(written.slice(10), ["          … 214 more in this second: 209 × 200, 5 × 304"]);
  lines.add(GET);
  clock.advance(1000);
  assertEquals(written.length, 12, "the next second has lines again, and nothing to sum up");
  assertEquals(clock.pending, 0);
});

Deno.test("ExchangeLines names four outcomes of a burst, and adds up the others", () => {
  using clock = new FakeClock();
  const { lines, written } = linesAndWritten();
  for (let i = 0; i < 10; i++) lines.add(GET);
  for (let status = 200; status < 210; status++) {
    for (let i = 0; i < 220 - status; i++) lines.add({ ...GET, status });
  }
  clock.advance(1000);
  const sum = "… 155 more in this second: 20 × 200, 19 × 201, 18 × 202, 17 × 203, 81 others";
  assertEquals(written.at(-1), `          ${sum}`.slice(0, 80));
});

Deno.test("ExchangeLines.close writes the sum at once, and leaves no timer", () => {
  using clock = new FakeClock();
  const { lines, written } = linesAndWritten();
  for (let i = 0; i < 11; i++) lines.add(GET);
  lines.close();
  assertEquals(written.at(-1), "          … 1 more in this second: 1 × 200");
  assertEquals(clock.pending, 0);
});

function linesAndWritten() {
  const written: string[] = [];
  const lines = new ExchangeLines({
    write: (line) => written.push(line),
    columns: () => 80,
    nameColumn: () => 0,
    paint: plain,
  });
  return { lines, written };
}
