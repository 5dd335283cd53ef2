import { assert, assertEquals } from "@std/assert";
import { LISTENER_KINDS, type ListenerKind } from "../../lib/server/listen/listener.ts";
import { eventually } from "../testing/eventually.ts";
import { joined } from "../testing/frame_peer.ts";
import { toText } from "../testing/latin1.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { HTTP2_PREFACE, http2Request } from "../testing/raw_http2.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { startTunnel, type Tunnel } from "../testing/tunnel.ts";

/** What stands behind every attack; an origin that gets it as a request of its own, though the attack was refused, was smuggled to. */
const NEXT = "GET /next HTTP/1.1\r\nHost: <host>\r\nConnection: close\r\n\r\n";

/** What would be a request if the bytes before it ended elsewhere than where they do. */
const HIDDEN = "GET /hidden HTTP/1.1\r\nHost: <host>\r\nX: ";

/** How a case must end: requests that the origin sees, as method, target and body; none behind a refusal that closes. */
type Seen = readonly string[];
const REFUSED: Seen = [];
/** The head may have gone on when the body breaks, but no whole request; the connection is closed. */
const CUT: Seen = [];
const REFUSED_ALONE: Seen = ["GET /next "];
const HELLO: Seen = ["POST /one hello", "GET /next "];

/** The same, where the listeners differ: one refuses what the other carries, or takes the next request behind a refusal. */
type Expected = Seen | Readonly<Record<ListenerKind, Seen>>;

/** Names an attack, the lines behind its Host and what follows the empty line, and says how it must end. */
type Case = readonly [name: string, lines: string, body: string, seen: Expected];

const CHUNKS = "5\r\nhello\r\n0\r\n\r\n";

/** Every disguise of "chunked" that some server or proxy has fallen for, and what stands there honestly. */
const CODINGS: readonly (readonly [coding: string, seen: Expected])[] = [
  ["Transfer-Encoding: chunked", HELLO],
  ["Transfer-Encoding: Chunked", HELLO],
  ["TRANSFER-ENCODING: CHUNKED", HELLO],
  ["Transfer-Encoding:chunked", HELLO],
  ["Transfer-Encoding:   chunked  ", HELLO],
  ["Transfer-Encoding:\tchunked", HELLO],
  ["Transfer-Encoding: chunked\t", HELLO],
  ["Transfer-Encoding: xchunked", REFUSED],
  ["Transfer-Encoding: chunkedx", REFUSED],
  ["Transfer-Encoding: cow", REFUSED],
  ["Transfer-Encoding: identity", REFUSED],
  ["Transfer-Encoding: chunked, identity", REFUSED],
  ["Transfer-Encoding: identity, chunked", REFUSED],
  ["Transfer-Encoding: gzip, chunked", { serve: REFUSED_ALONE, own: REFUSED }],
  ["Transfer-Encoding: chunked, gzip", REFUSED],
  ["Transfer-Encoding: chunked, chunked", REFUSED],
  ["Transfer-Encoding: chunked;q=1", REFUSED],
  ['Transfer-Encoding: "chunked"', REFUSED],
  ["Transfer-Encoding: 'chunked'", REFUSED],
  ["Transfer-Encoding: \x0bchunked", REFUSED],
  ["Transfer-Encoding: chunked\x0b", REFUSED],
  ["Transfer-Encoding: \x0cchunked", REFUSED],
  ["Transfer-Encoding: chunked\0", REFUSED],
  ["Transfer-Encoding: \0chunked", REFUSED],
  ["Transfer-Encoding: chunked\x7f", REFUSED],
  ["Transfer-Encoding: \xa0chunked", REFUSED],
  ["Transfer-Encoding: \xefchunked", REFUSED],
  ["Transfer-Encoding:", REFUSED],
  ["Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", REFUSED],
  ["Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", REFUSED],
  ["Transfer-Encoding: chunked\r\nTransfer-Encoding: x", REFUSED],
  ["Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", REFUSED],
  ["Transfer-Encoding : chunked", REFUSED],
  ["Transfer-Encoding\t: chunked", REFUSED],
  [" Transfer-Encoding: chunked", REFUSED],
  ["X: y\r\n Transfer-Encoding: chunked", REFUSED],
  ["Transfer-Encoding:\r\n chunked", REFUSED],
  ["Transfer-Encoding:\n chunked", REFUSED],
  ["Transfer-Encoding: chunked\r\n , identity", REFUSED],
  ["X: y\rTransfer-Encoding: chunked", REFUSED],
  ["Transfer-Encoding\0: chunked", REFUSED],
  ["Transfer-Encoding\xa0: chunked", REFUSED],
  ["Transfer\x0bEncoding: chunked", REFUSED],
];

const CASES: readonly Case[] = [
  ...CODINGS.map(([coding, seen]): Case => [show(coding), coding, CHUNKS, seen]),
  // With a length beside it nothing at all is carried, or two recipients would part the bytes differently.
  ...CODINGS.map(([coding]): Case => [
    `${show(coding)} behind a length`,
    `Content-Length: 6\r\n${coding}`,
    `0\r\n\r\n${HIDDEN}`,
    REFUSED,
  ]),
  ...CODINGS.map(([coding]): Case => [
    `${show(coding)} before a length`,
    `${coding}\r\nContent-Length: 4`,
    `5c\r\n${HIDDEN}`,
    REFUSED,
  ]),
  [
    "a length of 0 beside chunks",
    "Content-Length: 0\r\nTransfer-Encoding: chunked",
    CHUNKS,
    REFUSED,
  ],
  [
    "a coding that ends with a line feed",
    "X: y\nTransfer-Encoding: chunked",
    CHUNKS,
    { serve: HELLO, own: REFUSED },
  ],
  ["another name", "Content-Length: 5\r\nTransfer_Encoding: chunked", "hello", HELLO],
  [
    "a coding named by Connection",
    "Transfer-Encoding: chunked\r\nConnection: transfer-encoding",
    CHUNKS,
    HELLO,
  ],

  ["a length", "Content-Length: 5", "hello", HELLO],
  ["a length with zeros", "Content-Length: 0005", "hello", HELLO],
  ["a length with blanks", "Content-Length: \t 5 \t", "hello", HELLO],
  [
    "a length named by Connection",
    "Content-Length: 5\r\nConnection: content-length",
    "hello",
    HELLO,
  ],
  ["equal lengths", "Content-Length: 5\r\nContent-Length: 5", "hello", HELLO],
  ["no length", "X: y", "", ["POST /one ", "GET /next "]],
  ["lengths of nothing", "Content-Length: 0\r\nContent-Length: 0", "", [
    "POST /one ",
    "GET /next ",
  ]],
  ...[
    "Content-Length: +5",
    "Content-Length: -5",
    "Content-Length: 5,",
    "Content-Length: ,5",
    "Content-Length: 5, 6",
    "Content-Length: 5 5",
    "Content-Length: 0x5",
    "Content-Length: 5.0",
    "Content-Length: 5e0",
    "Content-Length: 5;",
    "Content-Length: 5\x0b",
    "Content-Length: \x0b5",
    "Content-Length: 5\0",
    "Content-Length: \xb9",
    "Content-Length: \xd9\xa5",
    "Content-Length:",
    "Content-Length: five",
    "Content-Length: 18446744073709551621",
    "Content-Length: 99999999999999999999999",
    "Content-Length : 5",
    " Content-Length: 5",
    "Content-Length: 5\r\nContent-Length: 6",
    "Content-Length: 0\r\nContent-Length: 5",
    "Content-Length: 5\r\nContent-Length: +5",
    "Content-Length: 5\r\n 6",
    "Content-Length:\r\n 5",
    "X: y\rContent-Length: 5",
  ].map((line): Case => [show(line), line, "hello", REFUSED]),

  ...([
    ["an extension", "5;a=b\r\nhello\r\n0\r\n\r\n", HELLO],
    ["a quoted extension", '5;a="b;c"\r\nhello\r\n0\r\n\r\n', HELLO],
    ["zeros before a size", "0005\r\nhello\r\n000\r\n\r\n", HELLO],
    ["a trailer", "5\r\nhello\r\n0\r\nX: y\r\n\r\n", HELLO],
    ["a trailer that frames", `5\r\nhello\r\n0\r\nContent-Length: 50\r\n\r\n`, HELLO],
    ["a trailer that routes", `5\r\nhello\r\n0\r\nHost: evil.example\r\n\r\n`, HELLO],
    // No quote spans lines (RFC 9112 section 7.1.1), so what the visitor sent are three requests.
    ["a line end in a quoted extension", `5;a="\r\nhello\r\n0\r\n\r\n${HIDDEN}"\r\n\r\n`, [
      "POST /one hello",
      "GET /hidden ",
      "GET /next ",
    ]],
    // Deno is lenient here; the origin gets chunks that are written anew.
    ["a blank before a size", " 5\r\nhello\r\n0\r\n\r\n", { serve: HELLO, own: CUT }],
    ["a line feed in an extension", `5;a\nhello\r\n0\r\n\r\n`, null],
    ["a CR in an extension", `5;a\rb\r\nhello\r\n0\r\n\r\n`, null],
    ["a size that ends with a line feed", "5\nhello\r\n0\r\n\r\n", null],
    ["data that ends with a line feed", "5\r\nhello\n0\r\n\r\n", null],
    ["data that ends with nothing", "5\r\nhello0\r\n\r\n", null],
    ["data that is longer than its size", "5\r\nhello!\r\n0\r\n\r\n", null],
    ["a last chunk with line feeds", "5\r\nhello\r\n0\n\n", null],
    ["a size of 2^64", `10000000000000000\r\n${HIDDEN}`, null],
    ["a size of 2^64 + 5", "10000000000000005\r\nhello\r\n0\r\n\r\n", null],
    ["a size of 2^32 with 20 digits", "00000000000100000000x\r\nhello\r\n0\r\n\r\n", null],
    ["a size with a prefix", "0x5\r\nhello\r\n0\r\n\r\n", null],
    ["a size with a sign", "+5\r\nhello\r\n0\r\n\r\n", null],
    ["a size below nothing", "-5\r\nhello\r\n0\r\n\r\n", null],
    ["a size with an underscore", "0_5\r\nhello\r\n0\r\n\r\n", null],
    ["no size", "\r\nhello\r\n0\r\n\r\n", null],
    ["no number", "g\r\nhello\r\n0\r\n\r\n", null],
    ["a NUL behind a size", "5\0\r\nhello\r\n0\r\n\r\n", null],
    ["a CR alone behind a size", "5\rhello\r\n0\r\n\r\n", null],
  ] as const).map(([name, body, seen]): Case => [
    `chunks with ${name}`,
    "Transfer-Encoding: chunked",
    body,
    seen ?? CUT,
  ]),
];

/** Attacks whose start line is of another kind, whole. */
const REQUESTS: readonly (readonly [name: string, bytes: string, seen: Expected])[] = [
  [
    "GET with a body",
    `GET /one HTTP/1.1\r\nHost: <host>\r\nContent-Length: 5\r\n\r\nhello`,
    { serve: REFUSED_ALONE, own: ["GET /one hello", "GET /next "] },
  ],
  [
    "GET with a body that is a request",
    "GET /one HTTP/1.1\r\nHost: <host>\r\nContent-Length: 24\r\n\r\nGET /hidden HTTP/1.1\r\n\r\n",
    { serve: REFUSED_ALONE, own: ["GET /one GET /hidden HTTP/1.1\r\n\r\n", "GET /next "] },
  ],
  [
    "GET with chunks",
    `GET /one HTTP/1.1\r\nHost: <host>\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKS}`,
    { serve: REFUSED_ALONE, own: ["GET /one hello", "GET /next "] },
  ],
  [
    "HEAD with a body",
    "HEAD /one HTTP/1.1\r\nHost: <host>\r\nContent-Length: 5\r\n\r\nhello",
    { serve: REFUSED_ALONE, own: ["HEAD /one hello", "GET /next "] },
  ],
  [
    "DELETE with a body",
    "DELETE /one HTTP/1.1\r\nHost: <host>\r\nContent-Length: 5\r\n\r\nhello",
    ["DELETE /one hello", "GET /next "],
  ],
  ["HTTP/0.9", "GET /one\r\n", REFUSED],
  [
    "HTTP/1.0 with chunks",
    `POST /one HTTP/1.0\r\nHost: <host>\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKS}`,
    REFUSED,
  ],
  [
    "HTTP/1.0 with a length that keeps its connection",
    "POST /one HTTP/1.0\r\nHost: <host>\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
    HELLO,
  ],
  ["HTTP/1.2", "GET /one HTTP/1.2\r\nHost: <host>\r\n\r\n", REFUSED],
  ["HTTP/2.0 on a line", "GET /one HTTP/2.0\r\nHost: <host>\r\n\r\n", REFUSED],
  ["a version in lower case", "GET /one http/1.1\r\nHost: <host>\r\n\r\n", REFUSED],
  ["a request line with a tab", "GET\t/one HTTP/1.1\r\nHost: <host>\r\n\r\n", REFUSED],
  ["a request line with a line in it", "GET /one\r\nX: HTTP/1.1\r\nHost: <host>\r\n\r\n", REFUSED],
  ["a CR in a target", "GET /one\rX HTTP/1.1\r\nHost: <host>\r\n\r\n", REFUSED],
  [
    "a line end in a target, encoded",
    "GET /one%0d%0aX:%20y HTTP/1.1\r\nHost: <host>\r\n\r\n",
    ["GET /one%0d%0aX:%20y ", "GET /next "],
  ],
  ["a blank in a target", "GET /one /two HTTP/1.1\r\nHost: <host>\r\n\r\n", REFUSED],
  ["a handshake with a body", `${handshake("Content-Length: 5")}hello`, {
    serve: REFUSED,
    own: REFUSED_ALONE,
  }],
  ["a handshake with chunks", `${handshake("Transfer-Encoding: chunked")}${CHUNKS}`, REFUSED],
  [
    "an upgrade to h2c with a body",
    "POST /one HTTP/1.1\r\nHost: <host>\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" +
    "HTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 5\r\n\r\nhello",
    { serve: REFUSED, own: HELLO },
  ],
  [
    "an expectation",
    "POST /one HTTP/1.1\r\nHost: <host>\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    HELLO,
  ],
];

for (const kind of LISTENER_KINDS) {
  Deno.test(`however a body is framed, the origin sees the requests that the visitor sent and no others (${kind})`, async (t) => {
    let seen: string[] = [];
    await using origin = recordingOrigin((request) => seen.push(request));
    await using tunnel = await startTunnel({ origin, serverArgs: ["--listener", kind] });
    const attacks = [
      ...CASES.map(([name, lines, body, expected]) =>
        [name, `POST /one HTTP/1.1\r\nHost: <host>\r\n${lines}\r\n\r\n${body}`, expected] as const
      ),
      ...REQUESTS,
    ];
    for (const [name, attack, expected] of attacks) {
      await t.step(name, async () => {
        seen = [];
        const answer = await attackWith(tunnel, attack);
        await assertHonest(tunnel, () => seen);
        const own = "serve" in expected ? expected[kind] : expected;
        assertEquals(seen.slice(0, -1), own, answer);
        if (own === REFUSED) assertRefused(answer);
      });
    }
    assertEquals(tunnel.connections, 1, "the client had to connect again");
  });
}

/** Requests over HTTP/2 that would be others over HTTP/1.1: fields beside the pseudo-fields, and what is changed of these. */
const OVER_HTTP2: readonly (readonly [
  name: string,
  fields: readonly (readonly [string, string])[],
  body: string | undefined,
  isCarried: boolean,
])[] = [
  ["a body of its announced length", [["content-length", "5"]], "hello", true],
  ["a body that no field announces", [], "hello", true],
  ["a length that is too short", [["content-length", "1"]], "hello", false],
  ["a length that is too long", [["content-length", "50"]], "hello", false],
  ["a length and no body", [["content-length", "5"]], undefined, false],
  ["two lengths", [["content-length", "5"], ["content-length", "1"]], "hello", false],
  ["a length with a sign", [["content-length", "+5"]], "hello", false],
  [
    "a transfer coding",
    [["transfer-encoding", "chunked"]],
    "0\r\n\r\nGET /hidden HTTP/1.1\r\n\r\n",
    false,
  ],
  ["Connection", [["connection", "keep-alive, transfer-encoding"]], "hello", false],
  ["Upgrade", [["upgrade", "websocket"]], "hello", false],
  ["a line end in a value", [["x", "y\r\ntransfer-encoding: chunked"]], "hello", false],
  ["a line feed in a value", [["x", "y\ncontent-length: 0"]], "hello", false],
  ["a NUL in a value", [["x", "y\0z"]], "hello", false],
  ["a line end in a name", [["x: y\r\ncontent-length", "0"]], "hello", false],
  ["a colon in a name", [["content-length: 0", "x"]], "hello", false],
  ["a blank in a name", [["content-length ", "0"]], "hello", false],
  ["capitals in a name", [["Content-Length", "0"]], "hello", false],
  ["a line end in a path", [[":path", "/one HTTP/1.1\r\nx: y"]], "hello", false],
  ["a blank in a path", [[":path", "/one HTTP/1.1"]], "hello", false],
  ["a line end in a method", [[":method", "POST /hidden HTTP/1.1\r\nx:"]], "hello", false],
  ["a blank in a method", [[":method", "POST /hidden"]], "hello", false],
  ["a line end in an authority", [[":authority", "a\r\nx: y"]], "hello", false],
  ["another host", [["host", "other.localhost"]], "hello", false],
];

Deno.test("what only HTTP/2 can say is never said in HTTP/1.1", async (t) => {
  let seen: string[] = [];
  await using origin = recordingOrigin((request) => seen.push(request));
  await using tunnel = await startTunnel({ origin, serverArgs: ["--listener", "serve"] });
  for (const [name, changes, body, isCarried] of OVER_HTTP2) {
    await t.step(name, async () => {
      seen = [];
      using visitor = await tunnel.open();
      const changed = new Map([
        [":method", "POST"],
        [":scheme", "http"],
        [":path", "/one"],
        [":authority", tunnel.host],
        ...changes.filter(([field]) => field.startsWith(":")),
      ]);
      const host = changes.some(([field]) => field === "host")
        ? []
        : [["host", tunnel.host] as const];
      const others = changes.filter(([field]) => !field.startsWith(":"));
      await visitor.send(
        joined(HTTP2_PREFACE, http2Request(1, [...changed, ...host, ...others], body)),
      );
      // What is refused has been refused by then, for a second request on the connection comes behind it.
      if (isCarried) await eventually("the request to be carried", () => seen.length > 0);
      await assertHonest(tunnel, () => seen);
      const carried = seen.filter((request) => !request.startsWith("POST /honest "));
      if (isCarried) assertEquals(carried, ["POST /one hello"]);
      else assert(carried.every((request) => request === "POST /one hello"), carried.join("; "));
    });
  }
});

/** Sends an attack with a request behind it, and returns all that comes before the server closes. */
async function attackWith(tunnel: Tunnel, attack: string): Promise<string> {
  using visitor = await RawHTTP.open(Number(tunnel.server.url.port));
  const bytes = (attack + NEXT).replaceAll("<host>", tunnel.host);
  const [answer] = await Promise.all([
    visitor.readToEnd(),
    // A server that has refused need not take the rest.
    visitor.send(bytes).catch(() => {}),
  ]);
  return answer;
}

/** Starts an origin that tells of each whole request as method, target and body. */
function recordingOrigin(tell: (request: string) => void): ScriptedOrigin {
  return ScriptedOrigin.start(async (exchange) => {
    const { method, target, head } = exchange;
    const framing = [...head.all("content-length"), ...head.all("transfer-encoding")];
    assert(framing.length <= 1, head.text);
    assertEquals(head.all("host").length, 1);
    // Throws when it is cut: then there was no such request.
    const body = toText(await exchange.body.readAll());
    tell(`${method} ${target} ${body}`);
    await exchange.answer(`HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`);
  });
}

/** Checks that another visitor's request reaches the origin as it is, whatever was left on a connection. */
async function assertHonest(tunnel: Tunnel, seen: () => readonly string[]): Promise<void> {
  const { text } = await tunnel.request("/honest", { method: "POST", body: "mine alone" });
  assertEquals(text, "/honest");
  assert(seen().includes("POST /honest mine alone"), seen().join("; "));
}

function assertRefused(answer: string): void {
  const status = Number(/^HTTP\/1\.[01] (\d{3}) /.exec(answer)?.[1]);
  assert(status >= 400 && status <= 505 && status !== 500, answer);
}

/** Writes a WebSocket handshake with one field more. */
function handshake(field: string): string {
  return "GET /one HTTP/1.1\r\nHost: <host>\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
    `${field}\r\n\r\n`;
}

function show(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
