import { assertEquals, assertThrows } from "@std/assert";
import {
  behindLineEnds,
  MAX_REQUEST_FIELDS,
  MAX_REQUEST_HEAD,
  type ParsedRequest,
  RequestHeadParser,
} from "../../lib/http/request_parser.ts";
import { RequestError } from "../../lib/http/request_error.ts";
import { toBytes } from "../testing/latin1.ts";

Deno.test("RequestHeadParser reads method, target and fields as they came, names in lower case", () => {
  const head = parse(
    "x-!#$ /a//../b;c?%2F=\xe9# HTTP/1.1\r\nHost: A.test:80\r\nX-B:\t\xe9 1 \r\nx-a:\r\nX-B: 2\r\n\r\n",
  );
  assertEquals([head.method, head.target, head.host], [
    "x-!#$",
    "/a//../b;c?%2F=\xe9#",
    "A.test:80",
  ]);
  assertEquals(head.fields, [["host", "A.test:80"], ["x-b", "\xe9 1"], ["x-a", ""], ["x-b", "2"]]);
  assertEquals([head.scheme, head.authority, head.minor, head.framing], [null, null, 1, 0]);
});

Deno.test("RequestHeadParser reads each form of a target (RFC 9112 section 3.2)", () => {
  const read = (line: string) => {
    const { scheme, authority, target } = parse(`${line} HTTP/1.1\r\nHost: a\r\n\r\n`);
    return [scheme, authority, target];
  };
  assertEquals(read("OPTIONS *"), [null, null, "*"]);
  assertEquals(read("GET HTTP://b:80/c?d"), ["http", "b:80", "/c?d"]);
  assertEquals(read("GET http://b"), ["http", "b", "/"]);
  assertEquals(read("GET http://b?c"), ["http", "b", "/?c"]);
  assertEquals(read("OPTIONS https://b"), ["https", "b", "*"]);
  assertEquals(read("GET ws://b/"), ["ws", "b", "/"]);
  assertEquals(read("CONNECT b:443"), [null, "b:443", "/"]);
  for (const line of ["GET *", "GET b", "GET b:80", "GET ://b", "GET ?a", "GET #", "GET \\a"]) {
    assertEquals(refused(`${line} HTTP/1.1\r\nHost: a\r\n\r\n`), 400, line);
  }
});

Deno.test("RequestHeadParser finds how the body ends", () => {
  const framing = (lines: string) => parse(`POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`).framing;
  assertEquals(framing(""), 0);
  assertEquals(framing("Content-Length: 7\r\n"), 7);
  assertEquals(framing("Content-Length: 7\r\ncontent-length: 7\r\n"), 7);
  assertEquals(framing("Transfer-Encoding: Chunked\r\n"), "chunked");
});

Deno.test("RequestHeadParser gives one Content-Length, as one number", () => {
  const { fields } = parse(
    "POST / HTTP/1.1\r\nContent-Length: 007\r\nHost: a\r\nContent-Length: 7\r\nX: y\r\n\r\n",
  );
  assertEquals(fields, [["content-length", "7"], ["host", "a"], ["x", "y"]]);
});

Deno.test("RequestHeadParser tells whether the connection stays open (RFC 9112 section 9.3)", () => {
  const keeps = (version: string, lines = "") =>
    parse(`GET / HTTP/${version}\r\nHost: a\r\n${lines}\r\n`).keepAlive;
  assertEquals([keeps("1.1"), keeps("1.0")], [true, false]);
  assertEquals(keeps("1.1", "Connection: x, Close\r\n"), false);
  assertEquals(keeps("1.1", "Connection: x\r\nConnection: close\r\n"), false);
  assertEquals(keeps("1.0", "Connection: Keep-Alive\r\n"), true);
  assertEquals(keeps("1.0", "Connection: keep-alive, close\r\n"), false);
});

Deno.test("RequestHeadParser refuses what two readers could read differently", async (t) => {
  const field = (line: string) => `POST / HTTP/1.1\r\nHost: a\r\n${line}\r\n\r\n`;
  const refusals: Record<number, readonly string[]> = {
    400: [
      "GET /\r\n\r\n",
      "GET  / HTTP/1.1\r\n\r\n",
      "GET\t/ HTTP/1.1\r\n\r\n",
      "GET / /b HTTP/1.1\r\n\r\n",
      "GET /\x00 HTTP/1.1\r\n\r\n",
      "GET /\x7f HTTP/1.1\r\n\r\n",
      "GET /\rX HTTP/1.1\r\n\r\n",
      "GET / http/1.1\r\n\r\n",
      "GET / HTTP/1.1 \r\n\r\n",
      "GET / HTTP/1.10\r\n\r\n",
      "GET / HTTP/1.1\n\n",
      "GET / HTTP/1.1\r\nHost: a\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\n\n",
      "G(T / HTTP/1.1\r\n\r\n",
      " GET / HTTP/1.1\r\n\r\n",
      field("Host: a"),
      field(" folded: x"),
      field("X: y\r\n folded"),
      field("X : y"),
      field("X y"),
      field(": y"),
      field("X(: y"),
      field("X\xe9: y"),
      field("X: y\rZ: 1"),
      field("X: \x00"),
      field("X: \x0b"),
      field("X: \x7f"),
      field("Content-Length: 5, 6"),
      field("Content-Length: +5"),
      field("Content-Length:"),
      field("Content-Length: 5\r\nContent-Length: 6"),
      field("Content-Length: 9007199254740993"),
      field("Transfer-Encoding: chunked\r\nContent-Length: 5"),
      field("Transfer-Encoding: chunked\r\nContent-Length: 0"),
      field("Transfer-Encoding:"),
      field("Transfer-Encoding: identity"),
      field("Transfer-Encoding: chunked, chunked"),
      field("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
      field("Transfer-Encoding: chunked;q=1"),
      field("Transfer-Encoding: xchunked"),
      "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
      "\x16\x03\x01",
    ],
    501: [field("Transfer-Encoding: gzip, chunked"), `${"M".repeat(65)} / HTTP/1.1\r\n\r\n`],
    505: [
      "GET / HTTP/1.2\r\n\r\n",
      "GET / HTTP/2.0\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".replace("*", "/"),
    ],
    431: [
      field("X: y\r\n".repeat(MAX_REQUEST_FIELDS)),
      field("X: y\r\n".repeat(300)),
      `GET / HTTP/1.1\r\n${"X: y\r\n".repeat(MAX_REQUEST_HEAD / 6)}`,
    ],
    414: [`GET /${"a".repeat(MAX_REQUEST_HEAD)}`],
  };
  for (const [status, heads] of Object.entries(refusals)) {
    for (const head of heads) {
      await t.step(`${status} ${JSON.stringify(head.slice(0, 60))}`, () => {
        assertEquals(refused(head), Number(status));
      });
    }
  }
});

Deno.test("RequestHeadParser takes as much as it says, and reads the same byte by byte", () => {
  const lines = "X: y\r\n".repeat(MAX_REQUEST_FIELDS - 1);
  const head = `POST /a HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
  const bytes = toBytes(`${head}body`);
  const parser = new RequestHeadParser();
  let parsed: ParsedRequest | null = null;
  for (let end = 0; parsed === null; end++) parsed = parser.parse(bytes, 0, end);
  assertEquals([parsed.end, parsed.fields.length], [head.length, MAX_REQUEST_FIELDS]);
  const longest = `GET / HTTP/1.1\r\nX: ${"y".repeat(MAX_REQUEST_HEAD - 23)}\r\n\r\n`;
  assertEquals([longest.length, parse(longest).end], [MAX_REQUEST_HEAD, MAX_REQUEST_HEAD]);
  // The same parser reads the next one, from wherever that begins.
  assertEquals(parser.parse(toBytes(`xx${head}`), 2, head.length + 2)?.end, head.length + 2);
});

Deno.test("behindLineEnds passes over line ends before a request, and over nothing else", () => {
  const from = (text: string) => behindLineEnds(toBytes(text), 0, text.length);
  assertEquals(["GET", "\r\n\r\nGET", "\r\n\r", "\nGET", "\r"].map(from), [0, 4, 2, 0, 0]);
});

function parse(text: string): ParsedRequest {
  const head = new RequestHeadParser().parse(toBytes(text), 0, text.length);
  if (head === null) throw new Error("the head did not end");
  return head;
}

function refused(text: string): number {
  return assertThrows(() => parse(text), RequestError).status;
}
