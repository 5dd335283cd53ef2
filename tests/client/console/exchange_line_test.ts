import { assert, assertEquals } from "@std/assert";
import {
  exchangeLine,
  middleCut,
  type ShownExchange,
} from "../../../lib/client/console/exchange_line.ts";
import { coloured } from "../../../lib/client/console/paint.ts";

const GET: ShownExchange = {
  ...{ kind: "http", state: "complete", replayOf: null, method: "GET", target: "/", status: 200 },
  ...{ duration: 12, responseSize: 4096, messages: null, resetCode: 0, closeCode: null },
  tunnel: "",
};
const SOCKET: ShownExchange = {
  ...GET,
  ...{ kind: "websocket", target: "/live", status: 101, duration: 51_000 },
  messages: { fromVisitor: 14, fromService: 212 },
};
const EVENTS: ShownExchange = {
  ...GET,
  ...{ kind: "events", target: "/events", messages: { fromVisitor: 0, fromService: 7 } },
};

Deno.test("exchangeLine tells each kind of exchange in aligned columns, 80 wide", () => {
  const exchanges: readonly ShownExchange[] = [
    GET,
    { ...GET, target: `/assets/app.${"9f2c".repeat(12)}.js`, duration: 3, responseSize: 182_000 },
    { ...GET, method: "POST", target: "/hook", status: 500, duration: 41, responseSize: 112 },
    { ...GET, method: "POST", target: "/hook", status: 500, replayOf: 3 },
    { ...GET, method: "PROPFIND", target: "/dav/", status: 207 },
    { ...GET, target: "/big", state: "left", duration: 3000, responseSize: 12_000_000 },
    { ...GET, target: "/slow", state: "left", status: null, duration: 9000, responseSize: 0 },
    { ...GET, target: "/down", state: "failed", status: null, responseSize: 0 },
    { ...GET, ...{ target: "/late", state: "failed", status: null, resetCode: 10 } },
    { ...GET, ...{ target: "/long", state: "failed", status: null, resetCode: 3 } },
    { ...GET, target: "/broken", state: "failed" },
    { ...SOCKET, state: "open", duration: null },
    { ...SOCKET, closeCode: 1000 },
    { ...SOCKET, state: "left" },
    { ...SOCKET, status: 403, messages: null },
    { ...EVENTS, state: "open", duration: null },
    { ...EVENTS, state: "left" },
  ];
  const lines = exchanges.map((exchange) => line(exchange, 80));
  assertEquals(lines, [
    "12:03:07  GET     /                                       200    12 ms    4.1 kB",
    "12:03:07  GET     /assets/app.9f2c…c9f2c9f2c9f2c.js       200     3 ms    182 kB",
    "12:03:07  POST    /hook                                   500    41 ms     112 B",
    "12:03:07 ↻POST    /hook                                   500    12 ms    4.1 kB",
    "12:03:07  PROPFIND /dav/                                  207    12 ms    4.1 kB",
    "12:03:07  GET     /big                               200 left      3 s     12 MB",
    "12:03:07  GET     /slow                                  left      9 s       0 B",
    "12:03:07  GET     /down                                   502    12 ms       0 B",
    "12:03:07  GET     /late                               timeout    12 ms    4.1 kB",
    "12:03:07  GET     /long                                   413    12 ms    4.1 kB",
    "12:03:07  GET     /broken                             200 cut    12 ms    4.1 kB",
    "12:03:07  WS      /live                                  open",
    "12:03:07  WS      /live                           closed 1000     51 s  14↑ 212↓",
    "12:03:07  WS      /live                                  left     51 s  14↑ 212↓",
    "12:03:07  WS      /live                                   403     51 s    4.1 kB",
    "12:03:07  GET     /events                           streaming",
    "12:03:07  GET     /events                            200 left    12 ms        7↓",
  ]);
});

Deno.test("exchangeLine fits any width, and gives up columns before the target", () => {
  for (let columns = 20; columns <= 200; columns++) {
    for (const exchange of [GET, SOCKET, { ...GET, target: "/a".repeat(500) }]) {
      const { length } = line(exchange, columns);
      assert(length <= Math.max(columns, 30), `${length} of ${columns}`);
    }
  }
});

Deno.test("exchangeLine shows nothing of a visitor that could drive the terminal", () => {
  const target = "/\x1b]0;owned\x07\x9b31m\r\n";
  const shown = line({ ...GET, target, method: "A\x1b[2J" }, 120);
  assert(!/\p{Cc}/u.test(shown), JSON.stringify(shown));
});

Deno.test("exchangeLine has as many characters to see with colours as without", () => {
  const painted = exchangeLine(GET, { time: "12:03:07", columns: 80, paint: coloured });
  // deno-lint-ignore no-control-regex
  assertEquals(painted.replaceAll(/\x1b\[\d+m/g, ""), line(GET, 80));
  assert(painted.includes("\x1b[32m200\x1b[0m"), JSON.stringify(painted));
});

function line(exchange: ShownExchange, columns: number): string {
  return exchangeLine(exchange, { time: "12:03:07", columns });
}

Deno.test("middleCut keeps both ends of what does not fit", () => {
  assertEquals(middleCut("/assets/app.js", 14), "/assets/app.js");
  assertEquals(middleCut("/assets/app.9f2c.js", 14), "/assets…f2c.js");
  assertEquals(middleCut("abc", 1), "…");
});
