import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Field } from "../../lib/http/fields.ts";
import { FieldLines, scratchRoom, takeScratch } from "../../lib/http/field_lines.ts";
import {
  type HeadRange,
  MAX_FIELDS,
  readMessageFields,
  readWireFields,
} from "../../lib/http/field_reader.ts";
import { HeadError } from "../../lib/http/head_error.ts";
import { LF_ALONE, Mendings } from "../../lib/http/mendings.ts";
import { toBytes, toText } from "../testing/latin1.ts";

/** The two forms of field lines. */
const READERS: Record<"wire" | "message", (octets: Uint8Array, range: HeadRange) => FieldLines> = {
  wire: readWireFields,
  message: (octets, range) => readMessageFields(octets, range, new Mendings()),
};

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
      " a: b",
      "\ta: b",
      "a: b\r\n c: d",
      "a\0: b",
    ],
    ...["a: b\rc", "a: b\0c", "a: \x7f", "a: \x1f", "a: b\r\n\r\nc: d"],
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

Deno.test("readMessageFields mends what can be read in one way only, and notes it; readWireFields refuses it", () => {
  const dropped = (name: string) =>
    `the field ${name} is dropped: its name is not a token (RFC 9110 section 5.1)`;
  const blank = "a blank stands before a colon (RFC 9112 section 5.1)";
  const cases: readonly (readonly [string, readonly Field[], readonly string[]])[] = [
    ["a: b\nc:d\r\n", [["a", "b"], ["c", "d"]], [LF_ALONE]],
    ["a: b \n", [["a", "b"]], [LF_ALONE]],
    ["a : b\r\n", [["a", "b"]], [blank]],
    ["Host \t :b\nc: d\n", [["host", "b"], ["c", "d"]], [blank, LF_ALONE]],
    ["x: y\r\na b: c\r\nz: z\r\n", [["x", "y"], ["z", "z"]], [dropped('"a b"')]],
    ["é: a\r\n", [], [dropped('"é"')]],
    ["a(b): c: d\n", [], [LF_ALONE, dropped('"a(b)"')]],
    [": b\r\n", [], [dropped('""')]],
    [":\r\na: b\r\n", [["a", "b"]], [dropped('""')]],
  ];
  for (const [text, fields, noted] of cases) {
    const mendings = new Mendings();
    const lines = readMessageFields(toBytes(text), { start: 0, end: text.length }, mendings);
    assertEquals([lines.list, mendings.take()], [fields, noted], JSON.stringify(text));
    assertEquals(mendings.take(), [], "what was taken is gone");
    assertEquals(textOf(FieldLines.of(fields)), textOf(lines));
    assertThrows(() => read(text, "wire"), HeadError);
    // What lies behind the range is not the end of the line.
    const cut = { start: 0, end: text.length - 1 };
    assertThrows(() => readMessageFields(toBytes(text), cut, new Mendings()), HeadError);
  }
});

Deno.test("readMessageFields drops no field that another reader could take for one that frames the message", () => {
  for (const name of ["Content-Length\xa0", "(Transfer-Encoding)", "content -length"]) {
    assertThrows(() => read(`${name}: 5\r\n`, "message"), HeadError, undefined, name);
  }
});

Deno.test("Mendings notes eight faults of a message, each once", () => {
  const lines = Array.from({ length: 20 }, (_, i) => `a ${i}: b\na ${i}: b\n`).join("");
  const mendings = new Mendings();
  readMessageFields(toBytes(lines), { start: 0, end: lines.length }, mendings);
  const noted = mendings.take();
  assertEquals(noted.length, 8);
  assertEquals(new Set(noted).size, 8);
});

Deno.test("readWireFields and readMessageFields take 256 fields at most", () => {
  const many = "a: b\r\n".repeat(MAX_FIELDS);
  for (const form of ["wire", "message"] as const) {
    assertEquals(read(many, form).list.length, MAX_FIELDS);
    assertThrows(() => read(`${many}a: b\r\n`, form), HeadError);
  }
  const odd = "a b: c\r\n".repeat(MAX_FIELDS);
  assertEquals(read(odd, "message").list, []);
  assertThrows(() => read(`${odd}a: b\r\n`, "message"), HeadError);
});

Deno.test("readMessageFields has room for a blank and a CR more in each line, and needs no more", () => {
  const line = "a:\n";
  for (let count = 1; count <= MAX_FIELDS; count++) {
    const text = line.repeat(count);
    const room = text.length + 2 * count;
    leaveScratch(room);
    const shared = scratchRoom(0).buffer;
    const lines = read(text, "message");
    assertEquals(textOf(lines), "a: \r\n".repeat(count));
    // What is reserved is room for 256 blanks and CRs, so that a shorter rest is left alone.
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
    leaveScratch(text.length + 2 * MAX_FIELDS);
    assertThrows(() => read(text, "message"), HeadError);
    assertEquals(textOf(before), "b: before\r\n");
    assertEquals(textOf(read("b:after\r\n", "message")), "b: after\r\n");
  }
  // Octets behind the range are longer than the room, and are not read as lines.
  const far = toBytes(`a: b\r\n${"c".repeat(200_000)}`);
  const before = read("b: before\r\n", "message");
  assertThrows(() => readMessageFields(far, { start: 0, end: 7 }, new Mendings()), HeadError);
  assertEquals(textOf(before), "b: before\r\n");
  assertEquals(textOf(readMessageFields(far, { start: 0, end: 6 }, new Mendings())), "a: b\r\n");
});

Deno.test("HeadError is a sentence that says the rule, and what was seen", () => {
  const cases = [
    ["a\r\n", 'a field line must be a name, a colon and a value, not "a\\r\\n"'],
    ["a: b\r\n c\r\n", 'a field line must not begin with a blank, not " c\\r\\n"'],
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
