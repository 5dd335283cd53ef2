import { assertEquals } from "@std/assert";
import { AddressSet } from "../../../lib/net/address_set.ts";
import { ForwardedFields } from "../../../lib/server/proxy/forwarded.ts";
import {
  headSize,
  type HeadSource,
  listTooLong,
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

Deno.test("listTooLong refuses a hundred and one members of each list that is taken apart", () => {
  for (const name of ["connection", "sec-websocket-protocol", "upgrade", "x-forwarded-for"]) {
    for (const member of ["", "a", "127.0.0.1"]) {
      const list = (members: number) => new Array(members).fill(member).join(",");
      assertEquals(listTooLong([["host", "a"], [name, list(100)]]), null, name);
      assertEquals(listTooLong([["host", "a"], [name, list(101)]])?.status, 431, name);
      assertEquals(listTooLong([["host", "a"], [name, list(20_000)]])?.status, 431, name);
    }
    // A subprotocol may be a token of some thousand characters.
    assertEquals(listTooLong([[name, `v1, ${"x".repeat(60_000)}`]]), null, name);
  }
});

Deno.test("listTooLong leaves fields alone that only the origin reads", () => {
  const list = ",".repeat(60_000);
  assertEquals(listTooLong([["accept", list], ["cookie", list], ["if-none-match", list]]), null);
});
