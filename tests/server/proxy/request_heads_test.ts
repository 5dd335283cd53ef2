import { assertEquals } from "@std/assert";
import { AddressSet } from "../../../lib/net/address_set.ts";
import { ForwardedFields } from "../../../lib/server/proxy/forwarded.ts";
import {
  headSize,
  type HeadSource,
  RequestHeads,
} from "../../../lib/server/proxy/request_heads.ts";
import type { Field } from "../../../lib/http/fields.ts";

const trustProxy = AddressSet.parse("10.0.0.0/8");

const WAY: Field[] = [
  ["x-forwarded-for", "203.0.113.9"],
  ["x-forwarded-proto", "http"],
  ["x-forwarded-host", "a.example:6519"],
  ["forwarded", 'for=203.0.113.9;host="a.example:6519";proto=http'],
];

function source(fields: readonly Field[], peer = "203.0.113.9", method = "GET"): HeadSource {
  return {
    visit: { method, fields },
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

Deno.test("RequestHeads writes the length that was checked", () => {
  const host: Field = ["host", "a.example"];
  assertEquals(encoded([["content-length", "5"], host], 5), [
    ["content-length", "5"],
    host,
    ...WAY,
  ]);
  assertEquals(encoded([["content-length", "0"], host])[0], ["content-length", "0"]);
});

Deno.test("RequestHeads takes fields that are not all ASCII, and heads of any length", () => {
  const own: Field[] = [["host", "a.example"], ["x-a", "é"], ["x-b", "c".repeat(60_000)]];
  assertEquals(encoded(own), [...own, ...WAY]);
});

Deno.test("headSize counts the target, and each field with what HTTP/1.1 puts around it", () => {
  assertEquals(headSize({ target: "/", fields: [] }), 1);
  const fields = [["host", "x"], ["cookie", "a=b"]] as const;
  assertEquals(headSize({ target: "/a?b", fields }), 4 + 4 + 1 + 4 + 6 + 3 + 4);
});
