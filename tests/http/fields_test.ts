import { assert, assertEquals } from "@std/assert";
import type { Field } from "../../lib/http/fields.ts";
import { fieldValue, HOP_BY_HOP, isHopByHop, withoutHopByHop } from "../../lib/http/fields.ts";

Deno.test("withoutHopByHop keeps end-to-end fields in order, repeated ones too", () => {
  const fields: Field[] = [
    ["host", "a"],
    ["set-cookie", "a=1"],
    ["x-b", "\xe9"],
    ["set-cookie", "b=2"],
    ["accept", ""],
  ];
  const kept = withoutHopByHop(fields);
  assertEquals(kept, fields);
  kept.push(["x", "y"]);
  assertEquals(fields.length, 5, "the result is the caller's own to change");
});

Deno.test("withoutHopByHop drops every hop-by-hop field of RFC 9110 7.6.1 and 11.7", () => {
  for (
    const name of [
      "connection",
      "keep-alive",
      "proxy-connection",
      "te",
      "trailer",
      "transfer-encoding",
      "upgrade",
      "proxy-authenticate",
      "proxy-authentication-info",
      "proxy-authorization",
    ]
  ) {
    assertEquals(withoutHopByHop([["a", "1"], [name, "x"], ["b", "2"]]), [["a", "1"], ["b", "2"]]);
    assertEquals(withoutHopByHop([[name, "x"]]), []);
  }
});

Deno.test("withoutHopByHop drops what Connection names, before and after it, in any case", () => {
  const kept = withoutHopByHop([
    ["x-before", "1"],
    ["keep", "1"],
    ["connection", "close, X-Before ,,\tx-after"],
    ["x-after", "1"],
    ["x-after", "2"],
    ["connection", "X-Third"],
    ["x-third", "3"],
    ["kept", "2"],
  ]);
  assertEquals(kept, [["keep", "1"], ["kept", "2"]]);
});

Deno.test("withoutHopByHop keeps essentials although Connection names them", () => {
  for (
    const name of [
      "host",
      "content-length",
      "content-type",
      "authorization",
      "cookie",
      "x-forwarded-for",
      "forwarded",
      "cache-control",
    ]
  ) {
    assertEquals(withoutHopByHop([[name, "v"], ["connection", name.toUpperCase()], [name, "w"]]), [
      [name, "v"],
      [name, "w"],
    ]);
  }
});

Deno.test("withoutHopByHop takes names that an object would inherit for ordinary ones", () => {
  assertEquals(withoutHopByHop([["constructor", "a"], ["connection", "close"]]), [
    ["constructor", "a"],
  ]);
  assertEquals(withoutHopByHop([["constructor", "a"], ["connection", "constructor"]]), []);
});

Deno.test("fieldValue gives the first value, an empty one too, and undefined for a missing name", () => {
  const fields: Field[] = [["a", ""], ["b", "1"], ["b", "2"]];
  assertEquals(fieldValue(fields, "a"), "");
  assertEquals(fieldValue(fields, "b"), "1");
  assertEquals(fieldValue(fields, "c"), undefined);
});

Deno.test("isHopByHop knows each name of the list, and no other of the same length", () => {
  for (const name of HOP_BY_HOP) {
    assert(isHopByHop(name));
    assert(!isHopByHop("x".repeat(name.length)));
  }
});
