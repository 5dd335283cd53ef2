import { assert, assertEquals } from "@std/assert";
import { relayResponseHead } from "../../lib/client/services/local_http/response_relay.ts";
import { ResponseHeadParser } from "../../lib/http/response_parser.ts";
import { encodeResponseHead } from "../../lib/wire/head.ts";
import { joined } from "../testing/frame_peer.ts";
import { toBytes } from "../testing/latin1.ts";
import type { SeededRandom } from "../testing/seeded_random.ts";
import { fuzz } from "./fuzz.ts";
import { mutated, mutatedText } from "./mutated.ts";
import { assertSameBytes } from "./same_bytes.ts";

const METHODS = ["GET", "GET", "HEAD", "POST", "head"] as const;

const STATUS_LINES = [
  ...[
    "HTTP/1.1 200 OK",
    "HTTP/1.1 200 OK",
    "HTTP/1.1 404 Not Found",
    "HTTP/1.1 304 ",
    "HTTP/1.1 204",
  ],
  ...["HTTP/1.1 301 \xe9", "HTTP/1.1 599"],
] as const;

/** What says how the body ends, at most one of them in a usual head. */
const FRAMINGS = [
  ...[
    "Content-Length: 12",
    "content-length: 0",
    "Transfer-Encoding: chunked",
    "X: close-delimited",
  ],
] as const;

const CONNECTIONS = [
  ...["Connection: keep-alive", "connection: close", "Connection: Keep-Alive", "X: no word on it"],
] as const;

const USUAL = [
  ...[
    "Content-Type: text/plain",
    "vary: Accept-Encoding",
    'ETag: W/"a\\b"',
    "Empty:",
    "Blank: \t ",
  ],
  ...[
    "Set-Cookie: a=1; Path=/",
    "set-cookie:b=2  ",
    "Keep-Alive: timeout=5",
    "Upgrade: h2c",
    "TE: x",
  ],
  ...[
    "trailer: X",
    "Proxy-Connection: close",
    "proxy-authenticate: Basic",
    `Long: ${'z"'.repeat(99)}`,
  ],
  ...["a:", "t: x", "cl: y", "Closed: x", "uppgrade: x", "content-lenght: 5", "Keep-Alife: x"],
] as const;

/** Lines of which the parser refuses some, and reads the others in a way of its own. */
const UNUSUAL = [
  ...[
    "Content-Length: 5",
    "content-length: 5, 5",
    "Content-Length: 012",
    "Content-Length: 07",
    "Content-Length: +5",
  ],
  ...[
    "Transfer-Encoding: chunked",
    "transfer-encoding: Chunked",
    "Transfer-Encoding: gzip, chunked",
  ],
  ...[
    "Connection: close, x",
    "connection: close",
    "Connection: keep-alive",
    "Connection: X, content-length",
    "Close: x",
  ],
  ...["X: a\tb", "X: \xe9", "X : y", ": y", " folded", "X: y\nZ: z", "X: y\rZ: z", "X", "x: \0"],
  ...["Content-Length: 9007199254740993", "Content-Length: 999999999999999", "Content-Length:"],
] as const;

/** Characters and words with which heads are attacked. */
const EVIL = [
  ...[
    "\r",
    "\n",
    "\r\n",
    "\r\n\r\n",
    "\n\n",
    "\r\n ",
    "\0",
    "\x0b",
    "\x7f",
    "\x80",
    "\xff",
    "\t",
    " ",
  ],
  ...[
    ":",
    ",",
    ";",
    '"',
    "\\",
    "0",
    "9",
    "+",
    "-",
    "_",
    "x",
    "A",
    "close",
    "chunked",
    "keep-alive",
  ],
  ...["\r\nContent-Length: 1", "\r\nTransfer-Encoding: chunked", "\r\nConnection: close"],
] as const;

fuzz(
  "a response head that is relayed is what the parser reads and the encoder writes",
  (random) => {
    assertRelayedAlike(random, anyHead(random));
  },
);

fuzz("a usual response head is relayed", (random) => {
  assert(assertRelayedAlike(random, toBytes(usualHead(random))), "left to the parser");
});

/** Checks that nothing tells a relayed head from a parsed one, and returns whether it was relayed. */
function assertRelayedAlike(random: SeededRandom, head: Uint8Array): boolean {
  const method = random.pick(METHODS);
  const before = random.bytes(random.pick([0, 0, 1, 7, 300]));
  // A buffer has old bytes behind its end, the rest of this very head among them.
  const behind = random.pick([new Uint8Array(0), random.bytes(20), toBytes("\r\n\r\n"), head]);
  const buffer = joined(before, head, behind);
  const start = before.length;
  const end = random.pick([buffer.length, start + head.length, start + head.length]);
  for (const cut of [end, random.integer(start, end)]) {
    const relayed = relayResponseHead(buffer, start, cut, method);
    if (relayed === undefined) continue;
    const parsed = new ResponseHeadParser().parse(buffer, start, cut, method);
    assert(parsed !== null, "a head that is not complete was relayed");
    const { payload, ...said } = relayed;
    const { head: parsedHead, ...parsedSaid } = parsed;
    assertEquals(said, parsedSaid);
    assertSameBytes(payload, encodeResponseHead(parsedHead));
  }
  return relayResponseHead(buffer, start, end, method) !== undefined;
}

function anyHead(random: SeededRandom): Uint8Array {
  const text = random.oneIn(2) ? usualHead(random) : unusualHead(random);
  switch (random.integer(0, 3)) {
    case 0:
      return toBytes(text);
    case 1:
      return mutated(random, toBytes(text));
    default:
      return toBytes(mutatedText(random, text, EVIL));
  }
}

/** Returns a head of the make that most origins' have. */
function usualHead(random: SeededRandom): string {
  const status = random.pick(STATUS_LINES);
  const lines = Array.from({ length: random.integer(0, 8) }, () => random.pick<string>(USUAL));
  const framing = random.pick(FRAMINGS);
  const hasLength = framing.toLowerCase().startsWith("content-length");
  if (!(hasLength && status.includes(" 204"))) {
    lines.splice(random.integer(0, lines.length), 0, framing);
  }
  lines.splice(random.integer(0, lines.length), 0, random.pick(CONNECTIONS));
  return [status, ...lines, "", ""].join("\r\n");
}

/** Returns a head of any status, with a line or two that make it unusual, or with too many. */
function unusualHead(random: SeededRandom): string {
  const status = random.pick([
    ...STATUS_LINES,
    "HTTP/1.0 200 OK",
    "HTTP/1.1 100 ",
    "HTTP/1.1 600 ",
  ]);
  const [, ...lines] = usualHead(random).slice(0, -"\r\n\r\n".length).split("\r\n");
  if (random.oneIn(10)) {
    const count = random.pick([255, 256, 257, 300]);
    return [status, ...Array.from({ length: count }, () => random.pick(["a:", "te:"])), "", ""]
      .join("\r\n");
  }
  for (let i = random.integer(0, 2); i > 0; i--) {
    lines.splice(random.integer(0, lines.length), random.integer(0, 1), random.pick(UNUSUAL));
  }
  return [status, ...lines, "", ""].join("\r\n");
}
