import { assertEquals } from "@std/assert";
import { AddressSet } from "../../../lib/net/address_set.ts";
import { FieldList } from "../../../lib/server/proxy/field_list.ts";
import { ForwardedFields } from "../../../lib/server/proxy/forwarded.ts";
import { type HeadSource, RequestHeads } from "../../../lib/server/proxy/request_heads.ts";
import type { Field } from "../../../lib/http/fields.ts";
import { toText } from "../../testing/latin1.ts";

const trustProxy = AddressSet.parse("10.0.0.0/8");

const WAY: Field[] = [
  ["x-forwarded-for", "203.0.113.9"],
  ["x-forwarded-proto", "http"],
  ["x-forwarded-host", "a.example:6519"],
  ["forwarded", 'for=203.0.113.9;host="a.example:6519";proto=http'],
];

function source(fields: readonly Field[], peer = "203.0.113.9", method = "GET"): HeadSource {
  return {
    request: { method },
    fields: new FieldList(new Headers(fields.map(([name, value]) => [name, value]))),
    target: "/x?y",
    connection: { peer, scheme: "http", host: "a.example:6519" },
  };
}

function encoded(fields: readonly Field[], length: number | null = null): readonly Field[] {
  const heads = new RequestHeads(new ForwardedFields({ trustProxy }));
  const head = heads.head(source(fields), length);
  assertEquals([head.method, head.target], ["GET", "/x?y"]);
  return head.fields;
}

Deno.test("RequestHeads keeps end-to-end fields in order and says whom they serve behind them", () => {
  const own: Field[] = [["accept", "*/*"], ["cookie", 'a="1"'], ["host", "a.example:6519"]];
  assertEquals(encoded(own), [...own, ...WAY]);
});

Deno.test("RequestHeads drops what is for one connection, and what a visitor claims about its way", () => {
  const dropped: Field[] = [
    ["connection", "close"],
    ["keep-alive", "1"],
    ["te", "trailers"],
    ["x-forwarded-for", "1.2.3.4"],
    ["x_real_ip", "1.2.3.4"],
    ["x-real-ip", "1.2.3.4"],
  ];
  assertEquals(encoded([...dropped, ["host", "a.example"]]), [["host", "a.example"], ...WAY]);
  const named: Field[] = [["a", "1"], ["b", "2"], ["connection", "x, a"], ["host", "a.example"]];
  assertEquals(encoded(named), [["b", "2"], ["host", "a.example"], ...WAY]);
});

Deno.test("RequestHeads writes the length that was checked, and Host where HTTP/2 has another name for it", () => {
  assertEquals(encoded([["content-length", "5, 5"]], 5), [
    ["host", "a.example:6519"],
    ["content-length", "5"],
    ...WAY,
  ]);
  assertEquals(encoded([["content-length", "0"]])[1], ["content-length", "0"]);
});

Deno.test("RequestHeads takes fields that are not all ASCII, and heads of any length", () => {
  const own: Field[] = [["host", "a.example"], ["x-a", "é"], ["x-b", "c".repeat(60_000)]];
  assertEquals(encoded(own), [...own, ...WAY]);
});

Deno.test("RequestHeads gives a target its octets back, of which Deno has decoded what is UTF-8", () => {
  const heads = new RequestHeads(new ForwardedFields({ trustProxy }));
  const { target } = heads.head({ ...source([]), target: "/é€?🦀" }, null);
  assertEquals(target, toText(new TextEncoder().encode("/é€?🦀")));
});
