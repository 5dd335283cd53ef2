import { assertEquals } from "@std/assert";
import { encodeRequestHead, encodeResponseHead, type Field } from "../../lib/wire/head.ts";
import { readRequestHead, readResponseHead } from "../../lib/wire/head_reader.ts";

const FIELDS: Field[] = [
  ["host", "app.example"],
  ["x-empty", ""],
  ["etag", 'W/"a\\b"'],
  ["x-tab", "a\tb"],
  ["x-braces", "{[,]}:"],
];

Deno.test("readRequestHead reads what encodeRequestHead writes, escapes included", () => {
  const head = { method: "M-SEARCH", target: "/a/%20?b=[c],{d}", fields: FIELDS };
  assertEquals(request(textOf(encodeRequestHead(head))), head);
  const bare = { ...head, fields: [] };
  assertEquals(request(textOf(encodeRequestHead(bare))), bare);
});

Deno.test("readResponseHead reads what encodeResponseHead writes, escapes included", () => {
  const head = { status: 404, fields: FIELDS };
  assertEquals(response(textOf(encodeResponseHead(head))), head);
});

Deno.test("readRequestHead leaves to others what is spelled in another way, or is no head", () => {
  const right = '{"method":"GET","target":"/","fields":[["a","b"],["c","d"]]}';
  assertEquals(request(right)?.fields.length, 2);
  for (let cut = 0; cut < right.length; cut++) {
    assertEquals(request(right.slice(0, cut)), undefined, right.slice(0, cut));
  }
  for (
    const text of [
      ` ${right}`,
      `${right} `,
      right.replace(",[", ", ["),
      right.replace('"/"', '"/é"'),
      right.replace('"/"', '"\\u002f"'),
      right.replace('"b"', '"é"'),
      right.replace('"b"', '"\\u0000"'),
      right.replace('"b"', '"\\u0100"'),
      right.replace('"b"', '"\\x"'),
      right.replace('"b"', '"\\""b"'),
      right.replace('"b"', "1"),
      right.replace('"a"', '"A"'),
      right.replace('"a"', '""'),
      right.replace('"a"', '"a b"'),
      right.replace('"b"', '"b","e"'),
      right.replace("]]", "],]"),
      right.replace("}", ',"fields":[]}'),
    ]
  ) assertEquals(request(text), undefined, text);
});

Deno.test("readResponseHead leaves a status that is no number of three digits to others", () => {
  for (const status of ["20", "2000", "2e2", "099", '"200"', "-20", "20.", "null"]) {
    assertEquals(response(`{"status":${status},"fields":[["a","b"]]}`), undefined, status);
  }
});

function textOf(payload: Uint8Array): string {
  return new TextDecoder().decode(payload);
}

function request(text: string) {
  return readRequestHead(new TextEncoder().encode(text), text);
}

function response(text: string) {
  return readResponseHead(new TextEncoder().encode(text), text);
}
