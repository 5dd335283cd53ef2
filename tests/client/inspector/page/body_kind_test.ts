import { assertEquals } from "@std/assert";
import {
  type BodyKind,
  bodyKindOf,
  bodyTextOf,
} from "../../../../lib/client/inspector/page/body_kind.ts";

const KINDS: readonly (readonly [type: string | null, text: string | null, BodyKind])[] = [
  ["application/json; charset=utf-8", "not json", "json"],
  ["application/problem+json", "{}", "json"],
  ["application/x-www-form-urlencoded", "a=b", "form"],
  ["multipart/form-data; boundary=x", null, "multipart"],
  ["text/html", "<p>", "html"],
  ["application/atom+xml", "<a/>", "xml"],
  ["image/svg+xml", "<svg/>", "image"],
  ["IMAGE/PNG", null, "image"],
  ["image/unknown", null, "binary"],
  ["text/plain", '{"a": 1}', "json"],
  [null, "[1]", "json"],
  [null, "{not json", "text"],
  [null, "a\0b", "binary"],
  ["text/html", null, "binary"],
];

for (const [type, text, kind] of KINDS) {
  Deno.test(`a body of ${type ?? "no type"} with ${JSON.stringify(text)} is ${kind}`, () => {
    assertEquals(bodyKindOf(type, text), kind);
  });
}

Deno.test("a body is read as UTF-8, or in the encoding that its type names", () => {
  const octets = new Uint8Array([0x63, 0x61, 0x66, 0xe9, 0x21, 0x21, 0x21, 0x21]);
  assertEquals(bodyTextOf("text/plain; charset=iso-8859-1", octets), "café!!!!");
  for (const type of [null, "text/plain", "text/plain; charset=utf-8", "a/b; charset=unknown"]) {
    assertEquals(bodyTextOf(type, octets), null);
  }
  assertEquals(bodyTextOf("text/plain; charset=iso-8859-1", new TextEncoder().encode("é")), "é");
});
