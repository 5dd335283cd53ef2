import { assertEquals, assertStrictEquals } from "@std/assert";
import { parseJSONObject } from "../../lib/wire/json.ts";

Deno.test("parseJSONObject returns the members of an object in UTF-8", () => {
  assertEquals({ ...parse('{"a":1,"b":["\\u00e9","é"]}') }, { a: 1, b: ["é", "é"] });
});

Deno.test("parseJSONObject is undefined for anything but a JSON object", () => {
  for (const text of ["", "null", "1", '"a"', "[]", "true", "{", "{'a':1}", "{} {}", '{"a":}']) {
    assertStrictEquals(parse(text), undefined, text);
  }
});

Deno.test("parseJSONObject is undefined for bytes that are not UTF-8", () => {
  for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf]]) {
    const text = new Uint8Array([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, ...bytes, 0x22, 0x7d]);
    assertStrictEquals(parseJSONObject(text), undefined);
  }
});

Deno.test("parseJSONObject lets no member be inherited, neither from a __proto__ nor from Object", () => {
  assertStrictEquals(parse('{"__proto__":{"alg":"EdDSA"}}')?.alg, undefined);
  assertStrictEquals(parse("{}")?.toString, undefined);
  assertStrictEquals(parse("{}")?.constructor, undefined);
});

Deno.test("parseJSONObject takes the last of members with one name, as JSON.parse does", () => {
  assertStrictEquals(parse('{"a":1,"a":2}')?.a, 2);
});

Deno.test("parseJSONObject survives any depth that fits a frame", () => {
  for (const [open, close] of [["[", "]"], ['{"a":', "}"]]) {
    const depth = 32 * 1024;
    const nested = `${open}`.repeat(depth) + "1" + `${close}`.repeat(depth);
    parse(`{"a":${nested}}`);
    assertStrictEquals(parse(`{"a":${`${open}`.repeat(depth)}`), undefined);
  }
});

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  return parseJSONObject(new TextEncoder().encode(text));
}
