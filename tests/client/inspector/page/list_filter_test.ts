import { assertEquals } from "@std/assert";
import {
  filtered,
  filterQuery,
  type ListFilter,
  NO_FILTER,
  toggled,
} from "../../../../lib/client/inspector/page/list_filter.ts";
import { summary } from "./exchanges.ts";

const LIST = [
  summary(3, { tunnel: "shop", kind: "websocket", status: 101, target: "/live" }),
  summary(2, { method: "POST", status: 500, target: "/Webhooks", visitor: "198.51.100.7" }),
  summary(1, { status: null, host: null }),
];

function idsBy(change: Partial<ListFilter>): number[] {
  return filtered(LIST, { ...NO_FILTER, ...change }).map(({ id }) => id);
}

Deno.test("filtered lets through what text, method, status class and kind say, all at once", () => {
  assertEquals(idsBy({}), [3, 2, 1]);
  assertEquals(idsBy({ text: "post shop.example.com/web" }), [2]);
  assertEquals(idsBy({ text: "198.51" }), [2]);
  assertEquals(idsBy({ text: "500" }), [2]);
  assertEquals(idsBy({ text: "shop:" }), [3]);
  assertEquals(idsBy({ method: "GET" }), [3, 1]);
  assertEquals(idsBy({ classes: new Set(["5xx", "2xx"]) }), [2]);
  assertEquals(idsBy({ kinds: new Set(["websocket"]) }), [3]);
  assertEquals(idsBy({ kinds: new Set(["http"]), method: "GET" }), [1]);
});

Deno.test("filterQuery says the same to the interface for programs", () => {
  assertEquals(filterQuery(NO_FILTER), "");
  const filter = { text: "a b", method: "GET", classes: new Set(["4xx", "5xx"] as const) };
  assertEquals(
    filterQuery({ ...filter, kinds: new Set(["events"]) }),
    "?text=a+b&method=GET&status=4xx%2C5xx&kind=events",
  );
});

Deno.test("toggled adds and takes away, and leaves the old set as it is", () => {
  const set = new Set(["a"]);
  assertEquals([...toggled(set, "b")], ["a", "b"]);
  assertEquals([...toggled(set, "a")], []);
  assertEquals([...set], ["a"]);
});
