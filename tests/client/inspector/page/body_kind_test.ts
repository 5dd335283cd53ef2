import { assertEquals } from "@std/assert";
import { type BodyKind, bodyKindOf } from "../../../../lib/client/inspector/page/body_kind.ts";

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
