import { assert, assertEquals } from "@std/assert";
import {
  MAX_RELAYED_HEAD,
  type RelayedHead,
  relayResponseHead,
} from "../../../../lib/client/services/local_http/response_relay.ts";
import type { ResponseFraming } from "../../../../lib/http/body_decoder.ts";
import { connectionField } from "../../../../lib/http/connection_field.ts";
import { MAX_RESPONSE_FIELDS, ResponseHeadParser } from "../../../../lib/http/response_parser.ts";
import {
  decodeResponseHead,
  encodeResponseHead,
  type ResponseHead,
} from "../../../../lib/wire/head.ts";
import { toBytes, toText } from "../../../testing/latin1.ts";

interface Relayed {
  readonly head: ResponseHead;
  readonly framing: ResponseFraming;
  readonly keepAlive: boolean;
}

/** Relays a head between other bytes and checks that the parser reads the same. */
function relay(text: string, method = "GET", before = "###", behind = "hello\r\n\r\n"): Relayed {
  const buffer = toBytes(before + text + behind);
  const relayed = relayResponseHead(buffer, before.length, buffer.length, method);
  assert(relayed !== undefined, `left to the parser: ${JSON.stringify(text)}`);
  const { payload, framing, keepAlive, end } = relayed;
  const parsed = new ResponseHeadParser().parse(buffer, before.length, buffer.length, method);
  assert(parsed !== null);
  assertEquals(toText(payload), toText(encodeResponseHead(parsed.head)));
  assertEquals({ framing, keepAlive, end }, {
    framing: parsed.framing,
    keepAlive: parsed.keepAlive,
    end: parsed.end,
  });
  assertEquals(end, before.length + text.length);
  return { head: decodeResponseHead(payload), framing, keepAlive };
}

function relayed(text: string, method = "GET"): RelayedHead | undefined {
  const buffer = toBytes(text);
  return relayResponseHead(buffer, 0, buffer.length, method);
}

function assertLeft(text: string): void {
  assertEquals(relayed(text), undefined, JSON.stringify(text.slice(0, 120)));
}

function head(...lines: readonly string[]): string {
  return ["HTTP/1.1 200 OK", ...lines, "", ""].join("\r\n");
}

const NODE = head(
  "Content-Type: text/plain",
  "Date: Sat, 21 Nov 2026 23:00:00 GMT",
  "Connection: keep-alive",
  "Keep-Alive: timeout=5",
  "Content-Length: 12",
);

const NGINX = [
  "HTTP/1.1 404 Not Found",
  "Server: nginx/1.29.3",
  "Date: Sat, 21 Nov 2026 23:00:00 GMT",
  "Content-Type: text/html",
  "Content-Length: 153",
  "Connection: close",
  'ETag: W/"6921-99"',
  "",
  "",
].join("\r\n");

Deno.test("relayResponseHead writes the head of a Node.js origin without what concerns the connection", () => {
  assertEquals(relay(NODE), {
    head: {
      status: 200,
      fields: [
        ["content-type", "text/plain"],
        ["date", "Sat, 21 Nov 2026 23:00:00 GMT"],
        ["content-length", "12"],
      ],
    },
    framing: 12,
    keepAlive: true,
  });
});

Deno.test("relayResponseHead writes the head of an nginx origin that closes the connection", () => {
  assertEquals(relay(NGINX), {
    head: {
      status: 404,
      fields: [
        ["server", "nginx/1.29.3"],
        ["date", "Sat, 21 Nov 2026 23:00:00 GMT"],
        ["content-type", "text/html"],
        ["content-length", "153"],
        ["etag", 'W/"6921-99"'],
      ],
    },
    framing: 153,
    keepAlive: false,
  });
});

Deno.test("relayResponseHead tells how the body ends, and that some answers have none", () => {
  const chunked = head("Transfer-Encoding: chunked", "X: y");
  assertEquals(relay(chunked).framing, "chunked");
  assertEquals(relay(chunked).head.fields, [["x", "y"]]);
  assertEquals(relay(chunked, "HEAD").framing, 0);
  assertEquals(relay(head("X: y")).framing, "close");
  assertEquals(relay(head("X: y"), "HEAD").framing, 0);
  assertEquals(relay(head("Content-Length: 0")).framing, 0);
  const longest = "9".repeat(15);
  assertEquals(relay(head(`Content-Length: ${longest}`)).framing, Number(longest));
  assertEquals(relay(head("Content-Length: 5"), "HEAD").framing, 0);
  assertEquals(relay(head("Content-Length: 5"), "HEAD").head.fields, [["content-length", "5"]]);
  for (const status of [204, 304]) {
    assertEquals(relay(`HTTP/1.1 ${status} x\r\nETag: "a"\r\n\r\n`).framing, 0);
    assertEquals(relay(`HTTP/1.1 ${status}\r\nTransfer-Encoding: chunked\r\n\r\n`).framing, 0);
  }
  assertEquals(relay("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"), {
    head: { status: 304, fields: [["content-length", "7"]] },
    framing: 0,
    keepAlive: true,
  });
});

Deno.test("relayResponseHead takes any final status, with any reason, none, and without the last space", () => {
  for (const status of ["200 OK", "200 ", "200", "404 J\xfcrgen \t", "599 :", "301 \xff"]) {
    const { head } = relay(`HTTP/1.1 ${status}\r\n\r\n`);
    assertEquals(head, { status: Number(status.slice(0, 3)), fields: [] });
  }
});

Deno.test("relayResponseHead keeps fields in order and apart, and escapes quotes and backslashes", () => {
  const { head: { fields } } = relay(head(
    'Set-Cookie: a="1\\2"; Path=/',
    "EMPTY:",
    "Blank: \t  ",
    "!#$%&'*+-.^_`|~09AZaz: \t two  words ",
    'Quote:"',
    "Backslash:\\   ",
    "SET-COOKIE: b=2  ",
  ));
  assertEquals(fields, [
    ["set-cookie", 'a="1\\2"; Path=/'],
    ["empty", ""],
    ["blank", ""],
    ["!#$%&'*+-.^_`|~09azaz", "two  words"],
    ["quote", '"'],
    ["backslash", "\\"],
    ["set-cookie", "b=2"],
  ]);
  const visible = String.fromCharCode(...Array.from({ length: 0x7e - 0x20 }, (_, i) => 0x21 + i));
  assertEquals(relay(head(`X: ${visible}`)).head.fields, [["x", visible]]);
});

Deno.test("relayResponseHead drops the fields that connectionField names, and none that resembles them", () => {
  const dropped = ["keep-alive", "proxy-connection", "te", "trailer", "upgrade"];
  for (const name of ["connection", "content-length", "transfer-encoding", ...dropped]) {
    assertEquals(connectionField(name), name);
  }
  for (const name of dropped) {
    assertEquals(relay(head("A: b", `${name}: x, y`, "C: d")).head.fields, [["a", "b"], [
      "c",
      "d",
    ]]);
    assertEquals(relay(head(`${name.toUpperCase()}:`)).head.fields, []);
    assertEquals(relay(head(`x${name.slice(1)}: y`, `${name}x: y`)).head.fields.length, 2);
    assertEquals(relay(head(`${name.slice(0, -1)}_: y`)).head.fields.length, 1);
  }
  for (
    const name of [
      "content-lengt_",
      "connectio_",
      "transfer-encodin_",
      "clos_",
      "proxy-authenticate",
    ]
  ) {
    assertEquals(relay(head(`${name}: 1`, `${name}: 2`)).head.fields, [[name, "1"], [name, "2"]]);
  }
});

Deno.test("relayResponseHead knows the usual spellings of Connection", () => {
  assertEquals(relay(head("connection: keep-alive")).keepAlive, true);
  assertEquals(relay(head("Connection:Keep-Alive  ")).keepAlive, true);
  assertEquals(relay(head("CONNECTION: close")).keepAlive, false);
  assertEquals(relay(head("Connection: Close", "X: close")).keepAlive, false);
});

Deno.test("relayResponseHead finds the head wherever it begins, and takes no byte that is not there yet", () => {
  for (const text of [NODE, NGINX]) {
    for (const before of ["", "\r", "HTTP/1.1 200 OK\r\n", "x".repeat(70_000)]) {
      for (const behind of ["", "\r\n", "X: y\r\n\r\n", text, "\xff".repeat(5000)]) {
        relay(text, "GET", before, behind);
      }
    }
    const buffer = toBytes(text + text);
    for (let end = 0; end < text.length; end++) {
      // What lies behind are the bytes of an older head, which would make this one whole.
      assertEquals(relayResponseHead(buffer, 0, end, "GET"), undefined, `cut at ${end}`);
      assertLeft(text.slice(0, end));
    }
    assertEquals(relayResponseHead(buffer, text.length, buffer.length, "GET")?.end, buffer.length);
  }
});

Deno.test("relayResponseHead keeps what it returned when it writes the next", () => {
  const first = relayed(NODE);
  assertLeft(NGINX.slice(0, -2));
  const second = relayed(NGINX);
  assert(first !== undefined && second !== undefined);
  assertEquals(decodeResponseHead(first.payload), relay(NODE).head);
  assertEquals(decodeResponseHead(second.payload), relay(NGINX).head);
});

Deno.test("relayResponseHead takes as many fields and bytes as it says, and no more", () => {
  const most = Array.from({ length: MAX_RESPONSE_FIELDS }, (_, i) => `x${i}: y`);
  assertEquals(relay(head(...most)).head.fields.length, MAX_RESPONSE_FIELDS);
  assertLeft(head(...most, "x: y"));
  assertLeft(head(...most, "te: y"));
  for (const character of ["x", '"', "\\"]) {
    const full = head(`X: ${character.repeat(MAX_RELAYED_HEAD - head("X: ").length)}`);
    assertEquals(full.length, MAX_RELAYED_HEAD);
    relay(full);
    relay(full, "GET", "", "");
    assertLeft(full.replace("X", "XX"));
  }
  // Of all fields these become longest for their bytes.
  const dense = Array.from({ length: MAX_RESPONSE_FIELDS }, () => "x:");
  assertEquals(relay(head(...dense), "GET", "", "").head.fields.length, MAX_RESPONSE_FIELDS);
});

Deno.test("relayResponseHead leaves to the parser what is no usual status line", () => {
  const lines = [
    "HTTP/1.0 200 OK",
    "HTTP/1.2 200 OK",
    "HTTP/2 200 OK",
    "http/1.1 200 OK",
    "HTTP/1.1  200 OK",
    "HTTP/1.1\t200 OK",
    "HTTP/1.1 100 Continue",
    "HTTP/1.1 101 Switching Protocols",
    "HTTP/1.1 103 Early Hints",
    "HTTP/1.1 199 x",
    "HTTP/1.1 600 x",
    "HTTP/1.1 099 x",
    "HTTP/1.1 20 OK",
    "HTTP/1.1 2000 OK",
    "HTTP/1.1 2x0 OK",
    "HTTP/1.1 200\tOK",
    "HTTP/1.1 200:",
    "HTTP/1.1 200 O\x7fK",
    "HTTP/1.1 200 O\0K",
    "HTTP/1.1 200 O\nK",
    "HTTP/1.1 200 O\rK",
    " HTTP/1.1 200 OK",
    "\r\nHTTP/1.1 200 OK",
    "",
  ];
  for (const line of lines) {
    assertLeft(`${line}\r\n\r\n`);
    assertLeft(`${line}\r\nContent-Length: 1\r\n\r\n`);
  }
});

Deno.test("relayResponseHead leaves to the parser what is no usual line", () => {
  const lines = [
    ...[
      "X: y\nZ: z",
      "X: y\rZ: z",
      "X: y\r",
      "X: y\n",
      "\n",
      "\r",
      "X: y\n\r",
      "X: y\t\nZ: z",
      "X: y\r\r",
      "X\r: y",
    ],
    ...[
      "X: a\r\n b",
      "X: a\r\n\tb",
      " X: y",
      "\tX: y",
      "X : y",
      "X\t: y",
      ": y",
      ":",
      "X",
      "X y: z",
    ],
    ...[
      "X: a\tb",
      "X: a\t",
      "X: \xe9",
      "X: \x80",
      "X: \x7f",
      "X: \x1f",
      "X: \0",
      "X: \x0b",
      "X\xe9: y",
    ],
    ...["X\0: y", "(X): y", '"X": y', "X,: y", "X\\: y", "X\x7f: y", "close: x"],
  ];
  for (const line of lines) {
    assertLeft(head(line));
    assertLeft(head("A: b", line, "C: d"));
  }
});

Deno.test("relayResponseHead leaves to the parser what is no usual word on the message's end or on the connection", () => {
  const lengths = [
    ...["", "-1", "+1", "1 1", "1,1", "1, 1", "1,", "01", "00", "0x1", "1e1", "1.0", "1;", "\xb2"],
    ...["1\t", '"1"', "1".repeat(16), "9".repeat(400), "Infinity", "NaN", "chunked"],
  ];
  for (const length of lengths) assertLeft(head(`Content-Length: ${length}`));
  const codings = ["gzip", "gzip, chunked", "chunked, chunked", "Chunked", "chunked;", "x-chunked"];
  for (
    const coding of [...codings, "", '"chunked"', "chunked,", ", chunked", "identity", "chunke"]
  ) {
    assertLeft(head(`Transfer-Encoding: ${coding}`));
  }
  const connections = [
    "X",
    "keep-alive, X",
    "close, X",
    "x-secret",
    "KEEP-ALIVE",
    "close,",
    "",
    "upgrade",
  ];
  for (const connection of connections) assertLeft(head(`Connection: ${connection}`, "X: y"));
  const lists = [
    ["Content-Length: 1", "Content-Length: 1"],
    ["Content-Length: 1", "X: y", "content-length: 2"],
    ["Content-Length: 0", "CONTENT-LENGTH: 0"],
    ["Content-Length: 1", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked", "Content-Length: 0"],
    ["Transfer-Encoding: chunked", "transfer-encoding: chunked"],
    ["Connection: close", "Connection: keep-alive"],
    ["Connection: keep-alive", "Connection: keep-alive"],
    ["Connection: close", "Close: x"],
    ["close: x", "Connection: close"],
  ];
  for (const lines of lists) assertLeft(head(...lines));
  assertLeft("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n");
});
