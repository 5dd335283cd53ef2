import { assert, assertEquals, assertThrows } from "@std/assert";
import { FieldLines } from "../../lib/http/field_lines.ts";
import {
  linesOf,
  ReadRequestHead,
  readRequestLine,
  requestLine,
  statusAt,
} from "../../lib/http/head.ts";
import { HeadError } from "../../lib/http/head_error.ts";
import { toBytes } from "../testing/latin1.ts";

Deno.test("readRequestLine reads what requestLine writes, and keeps a target however odd", () => {
  const targets = [
    ...["/", "*", "//x", "/a/../b", "/%2e%2E", "/%zz", "/\\{}|\"<>^`'", "/?", "/#f", "/é\xff"],
  ];
  for (const method of ["GET", "M-SEARCH", "get", "!#$%&'*+-.^_`|~"]) {
    for (const target of targets) {
      const line = requestLine({ method, target });
      const read = readRequestLine(toBytes(line));
      assertEquals(read, { method, target, end: line.length });
    }
  }
});

Deno.test("requestLine refuses what is not a method and a path", () => {
  for (const method of ["", "GET ", "G\r\n", "G:T", "GÉT"]) {
    assertThrows(() => requestLine({ method, target: "/" }), HeadError);
  }
  const targets = [
    ...[
      "",
      "x",
      "http://a/",
      "a:443",
      "**",
      "/ ",
      "/a b",
      "/\r\nx: y",
      "/\t",
      "/\0",
      "/\x7f",
      "/€",
    ],
  ];
  for (const target of targets) {
    assertThrows(() => requestLine({ method: "GET", target }), HeadError, undefined, target);
  }
});

Deno.test("linesOf takes the lines that were read, and makes those of fields", () => {
  const lines = FieldLines.of([["a", "b"]]);
  assert(linesOf(new ReadRequestHead("GET", "/", lines)) === lines);
  assertEquals(linesOf({ status: 200, fields: [["a", "b"]] }).octets, lines.octets);
  const { method, target, fields } = new ReadRequestHead("GET", "/", lines);
  assertEquals({ method, target, fields }, { method: "GET", target: "/", fields: [["a", "b"]] });
});

Deno.test("statusAt reads three digits and nothing else", () => {
  assertEquals(statusAt(toBytes("200"), 0), 200);
  assertEquals(statusAt(toBytes("HTTP/1.1 099"), 9), 99);
  for (const text of ["", "20", "2e2", " 20", "+20", "0x1", "20."]) {
    assert(Number.isNaN(statusAt(toBytes(text), 0)), text);
  }
});
