import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  MAX_RESPONSE_HEAD,
  type ParsedHead,
  ResponseHeadParser,
} from "../../lib/http/response_parser.ts";
import { LF_ALONE } from "../../lib/http/mendings.ts";
import { OriginError } from "../../lib/http/origin_error.ts";
import { MAX_FIELDS } from "../../lib/http/field_reader.ts";
import { plain } from "../testing/heads.ts";

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** Parses a head that arrives whole, behind other bytes, or cut where `cuts` says. */
function parse(text: string, method = "GET", cuts: readonly number[] = []): ParsedHead {
  const parser = new ResponseHeadParser();
  const buffer = bytes(`###${text}`);
  for (const cut of cuts) assertEquals(parser.parse(buffer, 3, 3 + cut, method), null);
  const parsed = parser.parse(buffer, 3, buffer.length, method);
  assert(parsed !== null, `incomplete: ${JSON.stringify(text)}`);
  return { ...parsed, end: parsed.end - 3 };
}

function assertMalformed(text: string): void {
  const parser = new ResponseHeadParser();
  const buffer = bytes(text);
  const error = assertThrows(() => parser.parse(buffer, 0, buffer.length, "GET"), OriginError);
  assertEquals(error.code, "malformed", JSON.stringify(text.slice(0, 80)));
}

const WHOLE = "HTTP/1.1 200 Fine thing\r\nDate: now\r\nSet-Cookie: a=1\r\nEmpty:\r\n" +
  "X-Name: \t J\xfcrgen \xff\t \r\nset-cookie: b=2\r\nContent-Length: 005\r\n\r\n";

Deno.test("ResponseHeadParser keeps fields in order, apart, with lower-case names and trimmed values", () => {
  const parsed = parse(`${WHOLE}hello`);
  assertEquals({ ...parsed, head: plain(parsed.head) }, {
    head: {
      status: 200,
      fields: [
        ["date", "now"],
        ["set-cookie", "a=1"],
        ["empty", ""],
        ["x-name", "J\xfcrgen \xff"],
        ["set-cookie", "b=2"],
        ["content-length", "5"],
      ],
    },
    framing: 5,
    keepAlive: true,
    isBodiless: false,
    logsIn: false,
    upgrade: null,
    mended: [],
    end: WHOLE.length,
  });
});

Deno.test("ResponseHeadParser reads the same however the bytes arrive", () => {
  const shown = ({ head, ...parsed }: ParsedHead) => ({ ...parsed, head: plain(head) });
  const whole = shown(parse(WHOLE));
  const lengths = Array.from({ length: WHOLE.length }, (_, i) => i);
  assertEquals(shown(parse(WHOLE, "GET", lengths)), whole);
  for (const cut of lengths) assertEquals(shown(parse(WHOLE, "GET", [cut])), whole);
});

Deno.test("ResponseHeadParser takes any reason, none, and a status line without the last space", () => {
  for (
    const line of ["HTTP/1.1 404 Not Found", "HTTP/1.1 404 ", "HTTP/1.1 404", "HTTP/1.0 404 \xe9\t"]
  ) {
    assertEquals(plain(parse(`${line}\r\n\r\n`).head), { status: 404, fields: [] });
  }
});

Deno.test("ResponseHeadParser tells a reason that is another one than the usual, in text and without blanks", () => {
  const reasons = {
    "200 OK": undefined,
    "200 ": undefined,
    "200": undefined,
    "200  ": undefined,
    "200 O\0K": undefined,
    "200 ok": "ok",
    "200 OK!": "OK!",
    "200  Fine\t": "Fine",
    "299 Caf\xe9": "Caf\xe9",
  };
  for (const [line, reason] of Object.entries(reasons)) {
    assertEquals(parse(`HTTP/1.1 ${line}\r\n\r\n`).head.reasonPhrase, reason, line);
  }
});

Deno.test("ResponseHeadParser refuses bad status lines", () => {
  const lines = [
    "HTTP/1.1 20 OK",
    "HTTP/1.1 2000 OK",
    "HTTP/1.1 abc OK",
    "HTTP/1.1  200 OK",
    "HTTP/1.1",
  ];
  const versions = [
    "HTTP/1.2 200 OK",
    "HTTP/2 200",
    "HTTP/1.1x200 OK",
    "http/1.1 200 OK",
    "ICY 200 OK",
  ];
  const statuses = [
    "HTTP/1.1 099 x",
    "HTTP/1.1 600 x",
    "HTTP/1.1 999 x",
    "HTTP/1.1 +20 x",
    "HTTP/1.1 200-x",
  ];
  for (const line of [...lines, ...versions, ...statuses, "", "SSH-2.0-OpenSSH", "<html>"]) {
    assertMalformed(`${line}\r\n\r\n`);
  }
});

Deno.test("ResponseHeadParser refuses bad field lines", () => {
  const lines = [
    "no colon",
    " folded: a",
    "\tfolded",
    "\tfolded: a",
    "a\x00: b",
    "a",
  ];
  const values = [
    "a: b\x00",
    "a: \x01",
    "a: \x7f",
    "a: b\rc",
    "a: b\n c: d",
    "a: b\r\n c",
    "a: b\r\r",
  ];
  for (const line of [...lines, ...values]) assertMalformed(`HTTP/1.1 200 OK\r\n${line}\r\n\r\n`);
});

Deno.test("ResponseHeadParser takes LF alone for the end of a line, wherever it stands", () => {
  const heads = [
    "HTTP/1.1 200 OK\na: b\n\n",
    "HTTP/1.1 200\r\na: b\n\r\n",
    "HTTP/1.1 200 OK\r\na: b\r\n\n",
    "HTTP/1.1 200 OK\na: b\r\n\r\n",
  ];
  for (const head of heads) {
    const lengths = Array.from({ length: head.length }, (_, i) => i);
    for (const cuts of [[], lengths, ...lengths.map((cut) => [cut])]) {
      const parsed = parse(`${head}\nbody`, "GET", cuts);
      assertEquals([plain(parsed.head), parsed.mended, parsed.end], [
        { status: 200, fields: [["a", "b"]] },
        [LF_ALONE],
        head.length,
      ]);
    }
  }
  assertEquals(parse("HTTP/1.1 200 OK\n\n").mended, [LF_ALONE]);
});

Deno.test("ResponseHeadParser takes any octets in a reason but those that could end its line", () => {
  const text = "HTTP/1.1 200 a\0b\x1b[31m\x7f\xff\r\na: b\r\n\r\n";
  const lengths = Array.from({ length: text.length }, (_, i) => i);
  for (const cuts of [[], lengths]) {
    const parsed = parse(text, "GET", cuts);
    assertEquals(plain(parsed.head), { status: 200, fields: [["a", "b"]] });
    assertEquals(parsed.mended, ["the reason has a control character (RFC 9112 section 4)"]);
  }
  assertMalformed("HTTP/1.1 200 a\rb\r\n\r\n");
});

Deno.test("ResponseHeadParser forgets what was mended of a head before the next", () => {
  const parser = new ResponseHeadParser();
  const buffer = bytes("HTTP/1.1 100 x\n\nHTTP/1.1 200 OK\r\n\r\n");
  const first = parser.parse(buffer, 0, buffer.length, "GET");
  assertEquals(first?.mended, [LF_ALONE]);
  assertEquals(parser.parse(buffer, first?.end ?? 0, buffer.length, "GET")?.mended, []);
});

Deno.test("ResponseHeadParser takes no CR that ends no line, and nothing before the status line", () => {
  assertMalformed("HTTP/1.1 200 OK\r\r\n");
  assertMalformed("HTTP/1.1 200 OK\r\na: b\r\r\n\r\n");
  assertMalformed("\r\nHTTP/1.1 200 OK\r\n\r\n");
  assertMalformed("\nHTTP/1.1 200 OK\r\n\r\n");
});

Deno.test("ResponseHeadParser refuses as soon as the bytes cannot become a head", () => {
  for (
    const start of [
      "S",
      "HTTP/2",
      "\n",
      "HTTP/1.1 200 OK\ra",
      "HTTP/1.1 200 OK\na: \0",
      "HTTP/1.1 200 OK\r\na: b\rc",
    ]
  ) {
    assertMalformed(start);
  }
});

Deno.test("ResponseHeadParser decides how the body is delimited", () => {
  const framing = (fields: string, start = "HTTP/1.1 200 OK", method = "GET") =>
    parse(`${start}\r\n${fields}\r\n`, method).framing;
  assertEquals(framing(""), "close");
  assertEquals(framing("", "HTTP/1.0 200 OK"), "close");
  assertEquals(framing("content-length: 12\r\n"), 12);
  assertEquals(framing("content-length: 12, 12\r\ncontent-length:012\r\n"), 12);
  assertEquals(framing("content-length: 9007199254740991\r\n"), Number.MAX_SAFE_INTEGER);
  assertEquals(framing("transfer-encoding: Chunked\r\n"), "chunked");
  for (const fields of ["", "content-length: 12\r\n", "transfer-encoding: chunked\r\n"]) {
    assertEquals(framing(fields, "HTTP/1.1 200 OK", "HEAD"), 0);
    assertEquals(framing(fields, "HTTP/1.1 204 No Content"), 0);
    assertEquals(framing(fields, "HTTP/1.1 304 Not Modified"), 0);
    assertEquals(framing(fields, "HTTP/1.1 103 Early Hints"), 0);
  }
  assertEquals(framing("content-length: 0\r\n", "HTTP/1.1 205 Reset"), 0);
});

Deno.test("ResponseHeadParser refuses framing that two readers could see differently", () => {
  for (
    const length of [
      "",
      "+1",
      "-1",
      "1.0",
      "0x1",
      "1 2",
      "1,2",
      "1,",
      ",1",
      "9007199254740992",
      "١",
    ]
  ) {
    assertMalformed(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n`);
  }
  assertMalformed("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n");
  for (
    const coding of [
      "",
      "gzip",
      "gzip, chunked",
      "chunked, chunked",
      "identity",
      "xchunked",
      "chunked;a=b",
    ]
  ) {
    assertMalformed(`HTTP/1.1 200 OK\r\ntransfer-encoding: ${coding}\r\n\r\n`);
  }
  const chunked = "transfer-encoding: chunked\r\n";
  assertMalformed(`HTTP/1.1 200 OK\r\n${chunked}${chunked}\r\n`);
  assertMalformed(`HTTP/1.1 200 OK\r\n${chunked}content-length: 3\r\n\r\n`);
  assertMalformed(`HTTP/1.1 204 OK\r\ncontent-length: 3\r\n${chunked}\r\n`);
  assertMalformed(`HTTP/1.0 200 OK\r\n${chunked}\r\n`);
});

Deno.test("ResponseHeadParser drops fields of the connection and those it names", () => {
  const text =
    "HTTP/1.1 200 OK\r\nConnection: X-Secret , keep-alive\r\nx-secret: 1\r\nKeep-Alive: timeout=5\r\n" +
    "TE: trailers\r\nTrailer: x\r\nUpgrade: h2c\r\nProxy-Connection: close\r\nconnection: Y\r\ny: 2\r\n" +
    "Transfer-Encoding: chunked\r\nz: 3\r\n\r\n";
  assertEquals(parse(text).head.fields, [["z", "3"]]);
});

Deno.test("ResponseHeadParser keeps one canonical Content-Length, but none with a 204", () => {
  const fields = "content-length: 07\r\na: b\r\ncontent-length: 7, 7\r\n\r\n";
  assertEquals(parse(`HTTP/1.1 304 Not Modified\r\n${fields}`).head.fields, [
    ["content-length", "7"],
    ["a", "b"],
  ]);
  assertEquals(parse(`HTTP/1.1 200 OK\r\n${fields}`, "HEAD").head.fields[0], [
    "content-length",
    "7",
  ]);
  assertEquals(parse(`HTTP/1.1 204 No Content\r\n${fields}`).head.fields, [["a", "b"]]);
});

Deno.test("ResponseHeadParser tells whether the origin keeps the connection", () => {
  const keepAlive = (version: string, fields: string) =>
    parse(`HTTP/${version} 200 OK\r\n${fields}\r\n`).keepAlive;
  assertEquals(keepAlive("1.1", ""), true);
  assertEquals(keepAlive("1.1", "connection: Close\r\n"), false);
  assertEquals(keepAlive("1.1", "connection: keep-alive\r\nconnection: x,close\r\n"), false);
  assertEquals(keepAlive("1.0", ""), false);
  assertEquals(keepAlive("1.0", "Connection: Keep-Alive\r\n"), true);
  assertEquals(keepAlive("1.0", "connection: keep-alive, close\r\n"), false);
});

Deno.test("ResponseHeadParser tells whether an answer has no body, and whether it offers a login of the connection", () => {
  const shown = (text: string, method = "GET") => {
    const { isBodiless, logsIn } = parse(`HTTP/1.1 ${text}\r\n\r\n`, method);
    return [isBodiless, logsIn];
  };
  assertEquals(shown("200 OK\r\ncontent-length: 0"), [false, false]);
  assertEquals(shown("200 OK\r\ncontent-length: 5", "HEAD"), [true, false]);
  assertEquals(shown("204 No Content"), [true, false]);
  assertEquals(shown("304 Not Modified"), [true, false]);
  assertEquals(shown("401 No\r\nWWW-Authenticate: Basic, NTLM"), [false, true]);
  assertEquals(shown("401 No\r\nWWW-Authenticate: Basic realm=ntlm"), [false, false]);
  assertEquals(shown("200 OK\r\nwww-authenticate: negotiate oYG2"), [false, true]);
});

Deno.test("ResponseHeadParser bounds the fields and the bytes of a head", () => {
  const fields = (count: number) => `HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(count)}\r\n`;
  assertEquals(parse(fields(MAX_FIELDS)).head.fields.length, MAX_FIELDS);
  assertMalformed(fields(MAX_FIELDS + 1));
  const frame = "HTTP/1.1 200 OK\r\na: \r\n\r\n";
  const padded = (size: number) => frame.replace("a: ", `a: ${"x".repeat(size - frame.length)}`);
  assertEquals(parse(padded(MAX_RESPONSE_HEAD)).end, MAX_RESPONSE_HEAD);
  assertMalformed(padded(MAX_RESPONSE_HEAD + 1));
  assertMalformed(padded(MAX_RESPONSE_HEAD + 100).slice(0, MAX_RESPONSE_HEAD));
});
