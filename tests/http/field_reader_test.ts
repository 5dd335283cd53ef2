import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Field } from "../../lib/http/fields.ts";
import { FieldLines, scratchRoom, takeScratch } from "../../lib/http/field_lines.ts";
import { MAX_FIELDS, readMessageFields, readWireFields } from "../../lib/http/field_reader.ts";
import { HeadError } from "../../lib/http/head_error.ts";
import { toBytes, toText } from "../testing/latin1.ts";

/** The two forms of field lines. */
const READERS = { wire: readWireFields, message: readMessageFields };

const FIELDS: Field[] = [
  ["host", "a.example"],
  ["x-a", ""],
  ["set-cookie", "a=1"],
  ["x", "é\ta\xff"],
];
const LINES = "host: a.example\r\nx-a: \r\nset-cookie: a=1\r\nx: é\ta\xff\r\n";

Deno.test("readWireFields and readMessageFields read what FieldLines.of writes, at any offset", () => {
  const text = `xx${LINES}yy`;
  const range = { start: 2, end: text.length - 2 };
  for (const form of ["wire", "message"] as const) {
    const lines = READERS[form](toBytes(text), range);
    assertEquals([textOf(lines), lines.list.length, lines.list], [LINES, FIELDS.length, FIELDS]);
    assertEquals(textOf(lines.withHost("b")), LINES.replace("a.example", "b"));
  }
});

Deno.test("readMessageFields takes capitals and blanks, which readWireFields refuses", () => {
  for (const line of ["Host: a", "host:a", "host:\t a \t", "host:  a", "host: a "]) {
    assertEquals(read(`${line}\r\n`, "message").list, [["host", "a"]]);
    assertThrows(() => read(`${line}\r\n`, "wire"), HeadError);
  }
  const capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const [field] = read(`${capitals}: x\r\n`, "message").list;
  assertEquals(field, [capitals.toLowerCase(), "x"]);
  const odd = read("A: \xa0b\xa0\r\nb: \t \r\n", "message");
  assertEquals(odd.list, [["a", "\xa0b\xa0"], ["b", ""]], "no-break spaces stay");
});

Deno.test("readWireFields and readMessageFields refuse lines that two readers could read differently", () => {
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
      assertThrows(() => READERS[form](toBytes(text), range), HeadError);
    }
  }
});

Deno.test("readWireFields and readMessageFields take 256 fields at most", () => {
  const many = "a: b\r\n".repeat(MAX_FIELDS);
  for (const form of ["wire", "message"] as const) {
    assertEquals(read(many, form).list.length, MAX_FIELDS);
    assertThrows(() => read(`${many}a: b\r\n`, form), HeadError);
  }
});

Deno.test("readMessageFields has room for a blank more in each line, and needs no more", () => {
  const line = "a:\r\n";
  for (let count = 1; count <= MAX_FIELDS; count++) {
    const text = line.repeat(count);
    const room = text.length + count;
    leaveScratch(room);
    const shared = scratchRoom(0).buffer;
    const lines = read(text, "message");
    assertEquals(textOf(lines), "a: \r\n".repeat(count));
    // What is reserved is room for 256 blanks, so that a shorter rest is left alone.
    assertEquals(lines.octets.buffer === shared, count === MAX_FIELDS);
  }
});

Deno.test("readMessageFields writes nothing outside its room, however wrong the lines are", () => {
  const line = "a:\r\n";
  const wrong = [
    line.repeat(MAX_FIELDS + 1),
    line.repeat(10 * MAX_FIELDS),
    `${line.repeat(MAX_FIELDS)}a${"b".repeat(1000)}`,
    `${line.repeat(MAX_FIELDS - 1)}a: ${"b".repeat(1000)}`,
  ];
  for (const text of wrong) {
    const before = read("b: before\r\n", "message");
    leaveScratch(text.length + MAX_FIELDS);
    assertThrows(() => read(text, "message"), HeadError);
    assertEquals(textOf(before), "b: before\r\n");
    assertEquals(textOf(read("b:after\r\n", "message")), "b: after\r\n");
  }
  // Octets behind the range are longer than the room, and are not read as lines.
  const far = toBytes(`a: b\r\n${"c".repeat(200_000)}`);
  const before = read("b: before\r\n", "message");
  assertThrows(() => readMessageFields(far, { start: 0, end: 7 }), HeadError);
  assertEquals(textOf(before), "b: before\r\n");
  assertEquals(textOf(readMessageFields(far, { start: 0, end: 6 })), "a: b\r\n");
});

Deno.test("HeadError is a sentence that says the rule, and what was seen", () => {
  const cases = [
    ["a\r\n", 'a field line must be a name, a colon and a value, not "a\\r\\n"'],
    ["a: b\r\n".repeat(MAX_FIELDS + 1), "a head must have at most 256 fields"],
  ] as const;
  for (const [text, message] of cases) {
    assertEquals(assertThrows(() => read(text, "wire"), HeadError).message, message);
  }
});

Deno.test("HeadError shows what was seen, cut to a length that fits a log", () => {
  const error = assertThrows(() => read(`${"x".repeat(100_000)}\r\n`, "wire"), HeadError);
  assert(error.message.length < 200, error.message);
});

function read(text: string, form: "wire" | "message"): FieldLines {
  return READERS[form](toBytes(text), { start: 0, end: text.length });
}

function textOf({ octets }: FieldLines): string {
  return toText(octets);
}

/** Leaves so many bytes, and no more, of the memory that heads share. */
function leaveScratch(bytes: number): void {
  takeScratch(scratchRoom(bytes).length - bytes);
}
