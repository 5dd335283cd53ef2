import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  originRequest,
  ownHead,
} from "../../../../lib/client/services/local_http/origin_request.ts";
import type { Field } from "../../../../lib/http/fields.ts";
import type { RequestHead } from "../../../../lib/http/head.ts";
import { OriginError } from "../../../../lib/http/origin_error.ts";
import { toText } from "../../../testing/latin1.ts";

const HOST: Field = ["host", "app.example"];

/** A head as it came, and as it is written for the origin. */
interface Case {
  readonly head: RequestHead;
  readonly host?: string;
  readonly written: string;
  readonly length?: number;
}

function head(fields: readonly Field[], method = "GET", target = "/"): RequestHead {
  return { method, target, fields };
}

const CASES: readonly Case[] = [
  { head: head([]), written: "GET / HTTP/1.1\r\n" },
  { head: head([HOST], "OPTIONS", "*"), written: "OPTIONS * HTTP/1.1\r\nhost: app.example\r\n" },
  {
    head: head([HOST, ["x", "1"], ["accept", ""], ["x", "2"]], "M-SEARCH", "//x/../%2e?a='<>#f"),
    written: "M-SEARCH //x/../%2e?a='<>#f HTTP/1.1\r\n" +
      "host: app.example\r\nx: 1\r\naccept: \r\nx: 2\r\n",
  },
  {
    head: head([["if-none-match", '"a\\b"'], ["forwarded", 'host="a:1"']]),
    written: 'GET / HTTP/1.1\r\nif-none-match: "a\\b"\r\nforwarded: host="a:1"\r\n',
  },
  {
    head: head([["content-length", "012"], HOST, ["content-type", "a/b"]], "POST"),
    written: "POST / HTTP/1.1\r\nhost: app.example\r\ncontent-type: a/b\r\n",
    length: 12,
  },
  {
    head: head([["a", "1"], HOST, ["b", "2"]]),
    host: "localhost:8080",
    written: "GET / HTTP/1.1\r\na: 1\r\nhost: localhost:8080\r\nb: 2\r\n",
  },
  { head: head([["a", "1"]]), host: "localhost", written: "GET / HTTP/1.1\r\na: 1\r\n" },
  {
    head: head([["user-agent", "x"], ["x-forwarded-host", "y"], ["sec-fetch-mode", "z"]]),
    written: "GET / HTTP/1.1\r\nuser-agent: x\r\nx-forwarded-host: y\r\nsec-fetch-mode: z\r\n",
  },
  { head: head([], "GET", "/Ã©"), written: "GET /Ã© HTTP/1.1\r\n" },
  { head: head([["x", "é\ta"]]), written: "GET / HTTP/1.1\r\nx: é\ta\r\n" },
  {
    head: head([["te", "x"], ["upgrade", "y"], ["a", "b"]]),
    written: "GET / HTTP/1.1\r\na: b\r\n",
  },
  {
    head: head([["connection", "a, close"], ["a", "b"], HOST]),
    written: "GET / HTTP/1.1\r\nhost: app.example\r\n",
  },
  { head: head([["proxy-authorization", "x"]]), written: "GET / HTTP/1.1\r\n" },
  {
    head: head([["x", "y".repeat(20_000)]]),
    written: `GET / HTTP/1.1\r\nx: ${"y".repeat(20_000)}\r\n`,
  },
  {
    head: head([["content-length", "9007199254740991"]], "PUT"),
    written: "PUT / HTTP/1.1\r\n",
    length: Number.MAX_SAFE_INTEGER,
  },
];

Deno.test("originRequest writes the start line and the end-to-end fields of a head, and tells its length", () => {
  for (const { head, host = null, written, length = null } of CASES) {
    const request = originRequest(ownHead(head, host));
    assertEquals(toText(request.buffer.subarray(0, request.written)), written);
    assertEquals([request.method, request.length], [head.method, length]);
    assert(request.buffer.length - request.written >= 40, "no room for what frames a body");
  }
});

Deno.test("originRequest refuses what must not reach an origin, whatever made the head", () => {
  const refused = [
    head([], "CONNECT"),
    head([], ""),
    head([], "GE T"),
    head([], "GET", ""),
    head([], "GET", "x"),
    head([], "GET", "*x"),
    head([], "GET", "/a b"),
    head([], "GET", "/\r\n"),
    head([], "GET", "/€"),
    head([["X", "y"]]),
    head([["", "y"]]),
    head([["a b", "y"]]),
    head([["x", "y\r\nz: 1"]]),
    head([["x", " y"]]),
    head([["x", "y\t"]]),
    head([["x", "y\0"]]),
    head([["x", "Ā"]]),
  ];
  for (const each of refused) {
    const error = assertThrows(() => originRequest(ownHead(each, null)), OriginError);
    assertEquals(error.code, "malformed");
  }
});

Deno.test("originRequest takes heads that are longer than its buffers", () => {
  const value = "x".repeat(100_000);
  const { buffer, written } = originRequest(ownHead(head([["a", value]]), null));
  assertEquals(toText(buffer.subarray(0, written)), `GET / HTTP/1.1\r\na: ${value}\r\n`);
});
