import { assert, assertEquals } from "@std/assert";
import type { Field } from "../../lib/wire/head.ts";
import { HeadWriter, writeRequestHead, writeResponseHead } from "../../lib/wire/head_writer.ts";

const FIELDS: Field[] = [["host", "app.example"], ["etag", 'W/"a\\b"'], ["x-empty", ""]];

Deno.test("writeRequestHead and writeResponseHead write what JSON.stringify does", () => {
  for (const fields of [FIELDS, FIELDS.slice(0, 1), []]) {
    const request = { method: "M-SEARCH", target: '/a?b=["\\c"]', fields };
    assertEquals(textOf(writeRequestHead(request)), JSON.stringify(request));
    const response = { status: 404, fields };
    assertEquals(textOf(writeResponseHead(response)), JSON.stringify(response));
  }
});

Deno.test("writeRequestHead leaves what is not all visible ASCII to others, wherever it stands, and writes the next", () => {
  const right = { method: "GET", target: "/", fields: FIELDS };
  for (const odd of ["\t", "\x1f", "\x7f", "é", "\u20ac", "\ud800", "\n"]) {
    const text = `a${odd}b`;
    const heads = [
      { ...right, method: text },
      { ...right, target: text },
      { ...right, fields: [...FIELDS, [text, ""] satisfies Field] },
      { ...right, fields: [["a", text] satisfies Field, ...FIELDS] },
    ];
    for (const head of heads) assertEquals(writeRequestHead(head), undefined);
    assertEquals(textOf(writeRequestHead(right)), JSON.stringify(right));
  }
});

Deno.test("writeResponseHead gives heads bytes of their own, and leaves those that are too long to others", () => {
  const heads = Array.from({ length: 500 }, (_, i) => {
    const fields: Field[] = [["x", 'a"'.repeat(i)]];
    return { status: 200, fields };
  });
  const written = heads.map((head) => writeResponseHead(head));
  written.forEach((bytes, i) => assertEquals(textOf(bytes), JSON.stringify(heads[i])));
  assertEquals(writeResponseHead({ status: 200, fields: [["x", "a".repeat(40_000)]] }), undefined);
});

Deno.test("HeadWriter puts fields that are written already beside those that it writes", () => {
  const written = new TextEncoder().encode('["a","1"],["b","2"]');
  for (const before of [[], FIELDS]) {
    const writer = HeadWriter.begin(100, before.length, written.length);
    assert(writer !== undefined);
    writer.putRequest("GET", "/");
    for (const [name, value] of before) writer.putField(name, value);
    writer.putFields(written);
    const fields = [...before, ["a", "1"], ["b", "2"]];
    assertEquals(textOf(writer.end()), JSON.stringify({ method: "GET", target: "/", fields }));
  }
});

function textOf(bytes: Uint8Array | undefined): string {
  assert(bytes !== undefined);
  return new TextDecoder().decode(bytes);
}
