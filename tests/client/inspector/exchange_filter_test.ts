import { assertEquals, assertThrows } from "@std/assert";
import { APIError } from "../../../lib/client/inspector/api_error.ts";
import { pageOf } from "../../../lib/client/inspector/exchange_filter.ts";
import { ExchangeStore } from "../../../lib/client/inspector/exchange_store.ts";
import type { ExchangeKind, ExchangeState } from "../../../lib/client/inspector/exchange.ts";
import type { Field } from "../../../lib/http/fields.ts";

/** Method, target, status, kind, state and visitor of exchanges, whose ids count from 1. */
const EXCHANGES = [
  ["GET", "/", 200, "http", "complete", "203.0.113.1"],
  ["POST", "/Webhooks/stripe", 500, "http", "complete", "203.0.113.2"],
  ["GET", "/live", 101, "websocket", "open", "203.0.113.1"],
  ["GET", "/events", 200, "events", "left", "203.0.113.1"],
  ["PUT", "/missing", 404, "http", "complete", "203.0.113.1"],
  ["GET", "/down", null, "http", "failed", "203.0.113.1"],
  ["POST", "/Webhooks/stripe", 201, "http", "complete", "203.0.113.2"],
] as const satisfies readonly (readonly [
  ...[string, string, number | null, ExchangeKind, ExchangeState, string],
])[];

function recorded(): ExchangeStore {
  const store = new ExchangeStore(64 * 1024 * 1024);
  for (const [method, target, status, kind, state, visitor] of EXCHANGES) {
    const fields: Field[] = [["host", "shop.example"], ["x-forwarded-for", visitor]];
    const isReplay = status === 201;
    const record = store.begin({ method, target, fields }, kind, { replayOf: isReplay ? 2 : null });
    if (status !== null) store.grow(record, record.respond({ status, fields: [] }));
    if (state !== "open") store.finish(record, state, null);
  }
  return store;
}

function find(query: string) {
  const { exchanges, next } = pageOf(recorded().list(), new URLSearchParams(query));
  return { ids: exchanges.map(({ id }) => id), next };
}

Deno.test("pageOf finds exchanges by each parameter, the newest first", () => {
  const cases: readonly (readonly [string, number[]])[] = [
    ["", [7, 6, 5, 4, 3, 2, 1]],
    ["method=POST", [7, 2]],
    ["method=PUT,POST", [7, 5, 2]],
    ["method=PUT&method=POST", [7, 5, 2]],
    ["method=get", []],
    ["status=500", [2]],
    ["status=2xx,404", [7, 5, 4, 1]],
    ["status=1xx", [3]],
    ["kind=websocket,events", [4, 3]],
    ["state=open,failed,left", [6, 4, 3]],
    ["replayOf=2", [7]],
    ["id=3,5", [5, 3]],
    ["before=3", [2, 1]],
    ["after=5", [7, 6]],
    ["text=webHOOKS", [7, 2]],
    ["text=post shop.example/web", [7, 2]],
    ["text=203.0.113.2", [7, 2]],
    ["text=404", [5]],
    ["text=%20", [7, 6, 5, 4, 3, 2, 1]],
    ["text=nothing", []],
    ["method=POST&status=5xx", [2]],
    ["unknown=1", [7, 6, 5, 4, 3, 2, 1]],
  ];
  for (const [query, ids] of cases) assertEquals(find(query), { ids, next: null }, query);
});

Deno.test("pageOf gives pages, and what to ask for next", () => {
  assertEquals(find("limit=3"), { ids: [7, 6, 5], next: 5 });
  assertEquals(find("limit=3&before=5"), { ids: [4, 3, 2], next: 2 });
  assertEquals(find("limit=3&before=2"), { ids: [1], next: null });
  assertEquals(find("limit=1&method=POST"), { ids: [7], next: 7 });
});

Deno.test("pageOf refuses numbers that are none, and names the parameter", () => {
  for (
    const query of ["limit=0", "limit=1001", "limit=x", "before=-1", "after=1.5", "replayOf=a"]
  ) {
    const [name = ""] = query.split("=");
    assertThrows(() => find(query), APIError, `${name} must be a whole number`);
  }
});

Deno.test("pageOf refuses words that nothing can be found by, and names the parameter", () => {
  for (
    const query of [
      "kind=sse",
      "state=done,open",
      "status=9xx",
      "status=2XX",
      "id=1-3",
      "method=A B",
    ]
  ) {
    const [name = ""] = query.split("=");
    assertThrows(() => find(query), APIError, `${name} must be `);
  }
  assertThrows(() => find("kind=http,sse"), APIError, 'of http, websocket, events, not "sse"');
});
