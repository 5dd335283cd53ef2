import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Field } from "../../lib/http/fields.ts";
import {
  fieldsLength,
  HeadError,
  latin1,
  MAX_FIELDS,
  readFields,
  readRequestLine,
  requestLength,
  statusAt,
  writeFields,
  writeRequestLine,
} from "../../lib/http/head.ts";
import { toBytes, toText } from "../testing/latin1.ts";

const FIELDS: Field[] = [["host", "a.example"], ["x-a", ""], ["set-cookie", "a=1"], [
  "x",
  "é\t\xff",
]];
const LINES = "host: a.example\r\nx-a: \r\nset-cookie: a=1\r\nx: é\t\xff\r\n";

Deno.test("writeFields writes each character as one octet, and fieldsLength foretells how many", () => {
  assertEquals(written(FIELDS), LINES);
  assertEquals(fieldsLength(FIELDS), LINES.length);
  assertEquals(requestLength({ method: "GET", target: "/é", fields: FIELDS }), 17 + LINES.length);
});

Deno.test("readFields reads what writeFields writes, at any offset, in both forms", () => {
  const text = `xx${LINES}yy`;
  const range = { start: 2, end: text.length - 2 };
  for (const form of ["wire", "message"] as const) {
    assertEquals(readFields(toBytes(text), text, range, form), FIELDS);
  }
});

Deno.test("readFields bears capitals and blanks in a message, and in nothing that came over the wire", () => {
  for (const line of ["Host: a", "host:a", "host:\t a \t", "host:  a", "host: a "]) {
    assertEquals(read(`${line}\r\n`, "message"), [["host", "a"]]);
    assertThrows(() => read(`${line}\r\n`, "wire"), HeadError);
  }
  assertEquals(read("a: \xa0b\xa0\r\n", "message"), [["a", "\xa0b\xa0"]], "no-break spaces stay");
});

Deno.test("readFields refuses lines that two readers could read differently, in both forms", () => {
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
      assertThrows(() => readFields(toBytes(text), text, range, form), HeadError);
    }
  }
});

Deno.test("readFields takes 256 fields and no more", () => {
  const many = "a: b\r\n".repeat(MAX_FIELDS);
  assertEquals(read(many, "wire").length, MAX_FIELDS);
  assertThrows(() => read(`${many}a: b\r\n`, "wire"), HeadError);
});

Deno.test("writeFields refuses what could end a line or be read as something else", () => {
  const names = ["", "Host", "a b", "a:", "a\r\nb", "é", ":path", "a\0", "\u0161", "\ud800"];
  for (const name of names) assertThrows(() => written([[name, "x"]]), HeadError, undefined, name);
  const values = [
    "a\r\nb",
    "a\nb",
    "a\rb",
    "\0",
    "\x7f",
    "\x1f",
    "€",
    "😀",
    " a",
    "a ",
    "\ta",
    "\u010a",
  ];
  for (const value of values) {
    assertThrows(() => written([["x", value]]), HeadError, undefined, JSON.stringify(value));
  }
});

Deno.test("readRequestLine reads what writeRequestLine writes, and keeps a target however odd", () => {
  const targets = [
    "/",
    "*",
    "//x",
    "/a/../b",
    "/%2e%2E",
    "/%zz",
    "/\\{}|\"<>^`'",
    "/?",
    "/#f",
    "/é\xff",
  ];
  for (const method of ["GET", "M-SEARCH", "get", "!#$%&'*+-.^_`|~"]) {
    for (const target of targets) {
      const out = new Uint8Array(200);
      const end = writeRequestLine({ method, target }, out, 0);
      const octets = out.subarray(0, end);
      assertEquals(readRequestLine(octets, toText(octets)), { method, target, end });
    }
  }
});

Deno.test("writeRequestLine refuses what is not a method and a path", () => {
  for (const method of ["", "GET ", "G\r\n", "G:T", "GÉT"]) {
    assertThrows(() => writeRequestLine({ method, target: "/" }, new Uint8Array(99), 0), HeadError);
  }
  const targets = [
    "",
    "x",
    "http://a/",
    "a:443",
    "**",
    "/ ",
    "/\r\nx: y",
    "/\t",
    "/\0",
    "/\x7f",
    "/€",
  ];
  for (const target of targets) {
    assertThrows(
      () => writeRequestLine({ method: "GET", target }, new Uint8Array(99), 0),
      HeadError,
    );
  }
});

Deno.test("statusAt reads three digits and nothing else", () => {
  assertEquals(statusAt("200", 0), 200);
  assertEquals(statusAt("HTTP/1.1 099", 9), 99);
  for (const text of ["", "20", "2e2", " 20", "+20", "0x1", "20."]) {
    assert(Number.isNaN(statusAt(text, 0)), text);
  }
});

Deno.test("latin1 gives each octet its character", () => {
  const octets = Uint8Array.from({ length: 256 }, (_, octet) => octet);
  assertEquals(latin1(octets), toText(octets));
  assertEquals(latin1(octets.subarray(100), 1, 3), "ef");
});

Deno.test("HeadError shows what was seen, cut to a length that fits a log", () => {
  const error = assertThrows(() => read(`${"x".repeat(100_000)}\r\n`, "wire"), HeadError);
  assert(error.message.length < 200, error.message);
});

function written(fields: readonly Field[]): string {
  const out = new Uint8Array(fieldsLength(fields));
  return toText(out.subarray(0, writeFields(fields, out, 0)));
}

function read(text: string, form: "wire" | "message"): Field[] {
  return readFields(toBytes(text), text, { start: 0, end: text.length }, form);
}
