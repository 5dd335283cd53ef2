import { assertEquals, assertThrows } from "@std/assert";
import { ErrorCode, StreamError } from "../../lib/wire/errors.ts";
import {
  decodeRequestHead,
  decodeResponseHead,
  encodeRequestHead,
  encodeResponseHead,
  type Field,
} from "../../lib/wire/head.ts";
import { goldenFrame } from "../testing/golden_frames.ts";

Deno.test("encodeRequestHead and decodeRequestHead agree with the golden frames", () => {
  const head = {
    method: "GET",
    target: "/café?q=%20",
    fields: [["host", "app.example"], ["accept", "*/*"]] satisfies Field[],
  };
  const payload = goldenFrame("request").payload.subarray(4);
  assertEquals(encodeRequestHead(head), payload);
  assertEquals(decodeRequestHead(payload), head);
});

Deno.test("encodeResponseHead and decodeResponseHead agree with the golden frames", () => {
  const head = {
    status: 200,
    fields: [
      ["content-type", "text/plain"],
      ["set-cookie", "a=1"],
      ["set-cookie", "b=é"],
    ] satisfies Field[],
  };
  const { payload } = goldenFrame("response");
  assertEquals(encodeResponseHead(head), payload);
  assertEquals(decodeResponseHead(payload), head);
});

Deno.test("heads keep fields in order, repeated and empty, with every Latin-1 character", () => {
  let value = "";
  for (let code = 0; code < 256; code++) {
    if (code === 9 || (code >= 0x20 && code !== 0x7f)) value += String.fromCharCode(code);
  }
  const fields: Field[] = [["x-b", value], ["x-a", ""], ["x-b", "again"]];
  assertEquals(decodeResponseHead(encodeResponseHead({ status: 200, fields })).fields, fields);
  const request = { method: "M-SEARCH", target: "*", fields };
  assertEquals(decodeRequestHead(encodeRequestHead(request)), request);
});

Deno.test("decodeRequestHead keeps a target as it is, however odd", () => {
  for (
    const target of [
      "/",
      "//x",
      "/a/../b",
      "/%2e%2E",
      "/%zz",
      "/\\{}|\"<>^`'",
      "/?",
      "/#f",
      "/é€😀",
    ]
  ) {
    assertEquals(requestHead({ target }).target, target);
  }
});

Deno.test("decodeRequestHead refuses what is no target of a tunnel", () => {
  for (
    const target of [
      "",
      "x",
      "http://a/",
      "a:443",
      "**",
      "/ ",
      "/a b",
      "/\r\nx: y",
      "/\n",
      "/\t",
      "/\0",
      "/\x7f",
      1,
      null,
      undefined,
      ["/"],
    ]
  ) {
    malformed(() => requestHead({ target }));
  }
});

Deno.test("decodeRequestHead refuses what is no method", () => {
  for (const method of ["", "GET ", "G\r\n", "G:T", "GÉT", 1, null, undefined, ["GET"]]) {
    malformed(() => requestHead({ method }));
  }
});

Deno.test("decodeResponseHead takes final statuses and 101, and no other", () => {
  for (const status of [101, 200, 204, 304, 404, 599]) {
    assertEquals(responseHead({ status }).status, status);
  }
  for (const status of [100, 102, 103, 199, 99, 600, 0, -200, 200.5, "200", null, undefined]) {
    malformed(() => responseHead({ status }));
  }
});

Deno.test("heads refuse field names that are no token in lower case", () => {
  for (const name of ["", "Host", "a b", "a:", "a\r\nb", "é", ":path", "a\0", 1, null]) {
    malformed(() => requestHead({ fields: [[name, "x"]] }));
    malformed(() => responseHead({ fields: [[name, "x"]] }));
  }
});

Deno.test("heads refuse field values that could end a line or are not Latin-1", () => {
  for (const value of ["a\r\nb", "a\nb", "a\rb", "\0", "\x7f", "\x1f", "€", "😀", 1, null, ["x"]]) {
    malformed(() => requestHead({ fields: [["x", value]] }));
    malformed(() => responseHead({ fields: [["x", value]] }));
  }
});

Deno.test("heads refuse fields that are no list of pairs, or more than 256", () => {
  const many = (count: number): unknown[] => new Array(count).fill(["x", "y"]);
  assertEquals(requestHead({ fields: many(256) }).fields.length, 256);
  const bad = [null, undefined, {}, "x", ["x"], [["x"]], [["x", "y", "z"]], [{}], many(257)];
  for (const fields of bad) {
    malformed(() => requestHead({ fields }));
    malformed(() => responseHead({ fields }));
  }
});

Deno.test("heads refuse a content-length that is not one number of bytes, and a request's second host", () => {
  const head = { method: "GET", target: "/", status: 200 };
  const lengths = ["", "+1", "-1", "1, 1", "0x1", "1e1", "1 ", "1.0", "9007199254740992"];
  for (const fields of [...lengths.map((length) => [["content-length", length]]), TWICE]) {
    const payload = encoder.encode(JSON.stringify({ ...head, fields }));
    assertThrows(() => decodeRequestHead(payload), StreamError);
    assertThrows(() => decodeResponseHead(payload), StreamError);
  }
  const hosts = encoder.encode(JSON.stringify({ ...head, fields: [["host", "a"], ["host", "a"]] }));
  assertThrows(() => decodeRequestHead(hosts), StreamError);
  assertEquals(decodeResponseHead(hosts).fields.length, 2);
});

const encoder = new TextEncoder();

/** Equal values too: whoever made the head has read them already. */
const TWICE = [["content-length", "1"], ["content-length", "1"]];

Deno.test("heads refuse what is no JSON object in UTF-8", () => {
  for (const text of ["", "[]", "null", "1", '"x"', "{", "{}x"]) {
    malformed(() => decodeRequestHead(new TextEncoder().encode(text)));
    malformed(() => decodeResponseHead(new TextEncoder().encode(text)));
  }
  malformed(() => decodeRequestHead(new Uint8Array([0x7b, 0xff, 0x7d])));
});

Deno.test("heads ignore members that a later version may add", () => {
  assertEquals(Object.keys(requestHead({ more: 1 })), ["method", "target", "fields"]);
  assertEquals(Object.keys(responseHead({ more: 1 })), ["status", "fields"]);
});

Deno.test("a refused head tells what was seen, cut to a length that fits a log", () => {
  const error = malformed(() => requestHead({ target: "x".repeat(100_000) }));
  assertEquals(error.message.length < 200, true);
});

function requestHead(parts: Readonly<Record<string, unknown>>) {
  return decodeRequestHead(json({ method: "GET", target: "/", fields: [], ...parts }));
}

function responseHead(parts: Readonly<Record<string, unknown>>) {
  return decodeResponseHead(json({ status: 200, fields: [], ...parts }));
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function malformed(run: () => unknown): StreamError {
  const error = assertThrows(run, StreamError);
  assertEquals(error.code, ErrorCode.Protocol);
  return error;
}
