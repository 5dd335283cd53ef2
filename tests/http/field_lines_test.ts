import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Field } from "../../lib/http/fields.ts";
import { FieldLines, MAX_FIELDS } from "../../lib/http/field_lines.ts";
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
  assertEquals([textOf(lines), lines.count, lines.list], [LINES, FIELDS.length, FIELDS]);
  assertEquals(textOf(FieldLines.of([])), "");
});

Deno.test("FieldLines.read reads what FieldLines.of writes, at any offset, in both forms", () => {
  const text = `xx${LINES}yy`;
  const range = { start: 2, end: text.length - 2 };
  for (const form of ["wire", "message"] as const) {
    const lines = FieldLines.read(toBytes(text), range, form);
    assertEquals([textOf(lines), lines.count, lines.list], [LINES, FIELDS.length, FIELDS]);
    assertEquals(textOf(lines.withHost("b")), LINES.replace("a.example", "b"));
  }
});

Deno.test("FieldLines.read bears capitals and blanks in a message, and in nothing that came over the wire", () => {
  for (const line of ["Host: a", "host:a", "host:\t a \t", "host:  a", "host: a "]) {
    assertEquals(read(`${line}\r\n`, "message").list, [["host", "a"]]);
    assertThrows(() => read(`${line}\r\n`, "wire"), HeadError);
  }
  const odd = read("A: \xa0b\xa0\r\nb: \t \r\n", "message");
  assertEquals(odd.list, [["a", "\xa0b\xa0"], ["b", ""]], "no-break spaces stay");
});

Deno.test("FieldLines.read refuses lines that two readers could read differently, in both forms", () => {
  const lines = [
    ...[
      "",
      "a",
      ":",
      ": b",
      "a : b",
      "a b: c",
      " a: b",
      "\ta: b",
      "a: b\r\n c: d",
      "é: a",
      "a\0: b",
    ],
    ...["a: b\nc: d", "a: b\rc", "a: b\0c", "a: \x7f", "a: \x1f", "a: b\r\n\r\nc: d"],
  ];
  for (const line of lines) {
    for (const form of ["wire", "message"] as const) {
      assertThrows(() => read(`${line}\r\n`, form), HeadError, undefined, JSON.stringify(line));
    }
  }
  for (const cut of ["a: b", "a: b\r", "a", "a:"]) {
    for (const form of ["wire", "message"] as const) {
      assertThrows(() => read(cut, form), HeadError);
      // What lies behind the range is not the end of the line.
      const text = `${cut}\r\n`;
      const range = { start: 0, end: cut.length };
      assertThrows(() => FieldLines.read(toBytes(text), range, form), HeadError);
    }
  }
});

Deno.test("FieldLines.read takes 256 fields and no more", () => {
  const many = "a: b\r\n".repeat(MAX_FIELDS);
  assertEquals(read(many, "wire").count, MAX_FIELDS);
  assertThrows(() => read(`${many}a: b\r\n`, "wire"), HeadError);
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
  assertEquals([other.count, other.notableValue("host")], [4, "a.longer.name"]);
  const none = other.withoutLength();
  assertEquals([textOf(none), none.count], ["a: 1\r\nhost: a.longer.name\r\nb: 2\r\n", 3]);
  assert(none.withoutLength() === none);
  assertEquals(textOf(lines), text, "the lines themselves stay as they are");
});

Deno.test("FieldLines.endToEnd drops what is for one connection, and what Connection names", () => {
  const kept = "a: 1\r\nset-cookie: b\r\ncontent-length: 3\r\n";
  const usual = read(`Connection: keep-alive\r\n${kept}Keep-Alive: 5\r\nTE: x\r\n`, "message");
  assertEquals([textOf(usual.endToEnd()), usual.endToEnd().count], [kept, 3]);
  assertEquals(usual.endToEnd().notableValue("content-length"), "3");
  const named = read(`x-one: 1\r\n${kept}Connection: close, X-One, set-cookie\r\n`, "message");
  assertEquals([textOf(named.endToEnd()), named.endToEnd().count], [kept, 3]);
  const plain = read(kept, "wire");
  assert(plain.endToEnd() === plain);
});

Deno.test("HeadError shows what was seen, cut to a length that fits a log", () => {
  const error = assertThrows(() => read(`${"x".repeat(100_000)}\r\n`, "wire"), HeadError);
  assert(error.message.length < 200, error.message);
});

function read(text: string, form: "wire" | "message"): FieldLines {
  return FieldLines.read(toBytes(text), { start: 0, end: text.length }, form);
}

function textOf({ octets }: FieldLines): string {
  return toText(octets);
}
