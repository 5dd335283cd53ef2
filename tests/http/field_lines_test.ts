import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Field } from "../../lib/http/fields.ts";
import { FieldLines } from "../../lib/http/field_lines.ts";
import { readMessageFields, readWireFields } from "../../lib/http/field_reader.ts";
import { Mendings } from "../../lib/http/mendings.ts";
import { HeadError } from "../../lib/http/head_error.ts";
import { toBytes, toText } from "../testing/latin1.ts";

const FIELDS: Field[] = [
  ["host", "a.example"],
  ["x-a", ""],
  ["set-cookie", "a=1"],
  ["x", "é\ta\xff"],
];
const LINES = "host: a.example\r\nx-a: \r\nset-cookie: a=1\r\nx: é\ta\xff\r\n";

Deno.test("FieldLines.of writes each character as one octet", () => {
  const lines = FieldLines.of(FIELDS);
  assertEquals([textOf(lines), lines.list.length, lines.list], [LINES, FIELDS.length, FIELDS]);
  assertEquals(textOf(FieldLines.of([])), "");
});

Deno.test("FieldLines.of refuses names that are not tokens in lower case, and blanks around a value", () => {
  for (const name of ["", "Host", "a b", "a:", "a\r\nb", "é", ":path", "a\0", "\u0161", "\ud800"]) {
    assertThrows(() => FieldLines.of([[name, "x"]]), HeadError, undefined, name);
  }
  for (const value of [" a", "a ", "\ta", "a\t", " "]) {
    assertThrows(() => FieldLines.of([["x", value]]), HeadError, undefined, value);
  }
});

Deno.test("FieldLines.of refuses what makes one line two, or holds what none may", () => {
  const values = [
    ...["a\r\nb: c", "a\nb", "a\rb", "\0", "\x7f", "\x1f", "€", "😀", "\u010a", "\ud800"],
  ];
  for (const value of values) {
    for (const text of [`x${value}x`, `é${value}é`]) {
      assertThrows(() => FieldLines.of([["a", text], ["b", "c"]]), HeadError, undefined, value);
    }
  }
});

Deno.test("FieldLines keep their octets whatever is read, made or changed after them", () => {
  const kept = Array.from({ length: 2000 }, (_, i) => {
    const text = `host: h${i}\r\nx: ${"y".repeat(i % 97)}\r\n`;
    return {
      text,
      lines: i % 2 === 0 ? read(text, "wire") : read(text, "message").withHost(`h${i}`),
    };
  });
  for (const { text, lines } of kept) assertEquals(textOf(lines), text);
  const long = `a: ${"b".repeat(100_000)}\r\n`;
  assertEquals(textOf(read(long, "wire")), long);
});

Deno.test("FieldLines knows the values of what frames and routes a message, joined where there are several", () => {
  const lines = read("Content-Length: 5\r\na: b\r\ncontent-length: 6\r\nHost: c\r\n", "message");
  assertEquals(lines.notableValue("content-length"), "5, 6");
  assertEquals([lines.notableCount("host"), lines.notableCount("te")], [1, 0]);
  assertEquals(lines.notableValue("te"), undefined);
});

Deno.test("FieldLines take another host, and one length in the place of all, or none", () => {
  const text = "a: 1\r\nhost: x\r\ncontent-length: 3\r\nb: 2\r\ncontent-length: 3\r\n";
  const lines = read(text, "wire");
  const other = lines.withHost("a.longer.name").withLength(3);
  assertEquals(
    textOf(other),
    "a: 1\r\nhost: a.longer.name\r\ncontent-length: 3\r\nb: 2\r\n",
  );
  assertEquals([other.list.length, other.notableValue("host")], [4, "a.longer.name"]);
  const none = other.withoutLength();
  assertEquals([textOf(none), none.list.length], ["a: 1\r\nhost: a.longer.name\r\nb: 2\r\n", 3]);
  assert(none.withoutLength() === none);
  assertEquals(textOf(lines), text, "the lines themselves stay as they are");
});

Deno.test("FieldLines.endToEnd drops what is for one connection, and what Connection names", () => {
  const kept = "a: 1\r\nset-cookie: b\r\ncontent-length: 3\r\n";
  const usual = read(`Connection: keep-alive\r\n${kept}Keep-Alive: 5\r\nTE: x\r\n`, "message");
  assertEquals([textOf(usual.endToEnd()), usual.endToEnd().list.length], [kept, 3]);
  assertEquals(usual.endToEnd().notableValue("content-length"), "3");
  const named = read(`x-one: 1\r\n${kept}Connection: close, X-One, set-cookie\r\n`, "message");
  assertEquals([textOf(named.endToEnd()), named.endToEnd().list.length], [kept, 3]);
  const plain = read(kept, "wire");
  assert(plain.endToEnd() === plain);
});

function read(text: string, form: "wire" | "message"): FieldLines {
  const range = { start: 0, end: text.length };
  if (form === "wire") return readWireFields(toBytes(text), range);
  return readMessageFields(toBytes(text), range, new Mendings());
}

function textOf({ octets }: FieldLines): string {
  return toText(octets);
}
