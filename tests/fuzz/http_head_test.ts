import { assert, assertEquals, assertThrows } from "@std/assert";
import { BodyDecoder } from "../../lib/http/body_decoder.ts";
import { OriginError } from "../../lib/http/origin_error.ts";
import {
  type BodyFraming,
  CHUNK_END,
  MAX_CHUNK_PREFIX,
  prepareRequest,
  requestRoom,
  writeChunkPrefix,
  writeFraming,
  writeRequest,
} from "../../lib/http/request_writer.ts";
import { lastChunk } from "../../lib/http/trailers.ts";
import { ErrorCode, StreamError } from "../../lib/wire/errors.ts";
import { type Field, withoutHopByHop } from "../../lib/http/fields.ts";
import type { RequestHead, ResponseHead } from "../../lib/http/head.ts";
import { decodeRequestHead, decodeResponseHead } from "../../lib/wire/head.ts";
import { type AnswerReading, readAnswer } from "../testing/answer_reading.ts";
import { encodeRequestHead, encodeResponseHead, plain, rawHead } from "../testing/heads.ts";
import { originAnswers, refusedHeads } from "../testing/protocol_document.ts";
import { joined } from "../testing/frame_peer.ts";
import { GOLDEN_FRAMES } from "../testing/golden_frames.ts";
import { toBytes, toText } from "../testing/latin1.ts";
import type { SeededRandom } from "../testing/seeded_random.ts";
import { fuzz } from "./fuzz.ts";
import { mutated, mutatedText, pieces } from "./mutated.ts";
import { assertSameBytes } from "./same_bytes.ts";

/** Characters and words with which heads are attacked. */
const EVIL = [
  ...[
    "\r",
    "\n",
    "\r\n",
    "\r\n\r\n",
    "\0",
    "\x0b",
    "\x7f",
    "\x85",
    "\xa0",
    "\xff",
    "\u0100",
    "\u010a",
  ],
  ...[" ", "\t", ":", ",", ";", '"', "\\", "/", "?", "#", "@", "*", "{", "}", "[", "]", "é", "🦀"],
  ...["0", "9", "+", "-", "x", "A", "host", "content-length", "transfer-encoding", "chunked"],
  ...["connection", "upgrade", "\ud800", "\udc00", "\u2028", "1e9", "__proto__", "null"],
] as const;

const METHODS = ["GET", "POST", "PUT", "HEAD", "OPTIONS", "x-y", "!#$%&'*+-.^_`|~"] as const;
const TARGETS = ["/", "*", "/a?b", "//x/../%2F", "/é\xff", `/${"a".repeat(2000)}`] as const;
const NAMES = ["accept", "host", "set-cookie", "x", "content-length", "connection", "te"] as const;
/** What PROTOCOL.md says is refused. */
const REFUSED = { request: refusedHeads("request"), response: refusedHeads("response") };

const VALUES = ["", "0", "5", "a b", "é\xff\t", "close, x", "chunked", "x".repeat(300)] as const;

fuzz(
  "a head that its codec takes is, octet for octet, the one that its codec writes, and nothing but a StreamError refuses others",
  (random) => {
    const isRequest = random.oneIn(2);
    const payload = randomHead(random, isRequest);
    try {
      const head = isRequest ? decodeRequestHead(payload) : decodeResponseHead(payload);
      for (const field of head.fields) assertCleanField(field);
      if ("method" in head) {
        assert(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(head.method));
        assert(/^(?:\*|\/[^\0-\x20\x7f]*)$/.test(head.target));
        assertSameBytes(encodeRequestHead(head), payload);
        assert(head.fields.filter(([name]) => name === "host").length <= 1);
      } else {
        assert(head.status === 101 || (head.status >= 200 && head.status <= 599));
        assertSameBytes(encodeResponseHead(head), payload);
      }
      const lengths = head.fields.filter(([name]) => name === "content-length");
      assert(lengths.length <= 1 && lengths.every(([, value]) => /^\d{1,16}$/.test(value)));
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      assertEquals(error.code, ErrorCode.Protocol);
      assert(error.message.length < 500, "the message shows too much");
    }
  },
);

fuzz(
  "a head that PROTOCOL.md refuses is refused with any right lines before and behind the wrong one",
  (random) => {
    const kind = random.pick(["request", "response"] as const);
    const { rule, head } = oneOf(random, REFUSED[kind]);
    const at = head.indexOf("\r\n") + 2;
    // Only a fault in a field line can be moved among others.
    if (at === 1 || at >= head.length || !head.endsWith("\r\n")) return;
    const lines = (): string =>
      Array.from({ length: random.integer(0, 5) }, () => `x-${random.pick(["a", "b"])}: y\r\n`)
        .join("");
    const payload = toBytes(head.slice(0, at) + lines() + head.slice(at) + lines());
    const decode = kind === "request" ? decodeRequestHead : decodeResponseHead;
    assertThrows(() => decode(payload), StreamError, undefined, rule);
  },
);

fuzz(
  "a request that is written holds its fields and not a line more, or is refused with an OriginError",
  (random) => {
    const head = randomRequest(random);
    const framing = random.pick<BodyFraming>([
      "none",
      "chunked",
      0,
      5,
      2 ** 53 - 1,
      -1,
      0.5,
      NaN,
    ]);
    let written: string;
    try {
      const request = prepareRequest(head);
      const out = new Uint8Array(requestRoom(request));
      written = toText(out.subarray(0, writeFraming(framing, out, writeRequest(request, out))));
    } catch (error) {
      if (!(error instanceof OriginError)) throw error;
      assertEquals(error.code, "malformed");
      return;
    }
    assert(/^(?:[^\r\n]+\r\n)+\r\n$/.test(written), JSON.stringify(written));
    const [start = "", ...lines] = written.slice(0, -4).split("\r\n");
    assertEquals(start, `${head.method} ${head.target} HTTP/1.1`);
    assertEquals(start.split(" ").length, 3);
    const kept = withoutHopByHop(head.fields).filter(([name]) => name !== "content-length");
    assertEquals(lines.slice(0, kept.length), kept.map(([name, value]) => `${name}: ${value}`));
    const added = lines.slice(kept.length);
    assert(added.length <= 1, written);
    if (framing === "chunked") assertEquals(added, ["transfer-encoding: chunked"]);
    else if (framing !== "none") assertEquals(added, [`content-length: ${framing}`]);
    else assert(added.every((line) => line === "content-length: 0"));
  },
);

fuzz(
  "an answer of the origin is read the same however its bytes arrive, and nothing but an OriginError refuses it",
  (random) => {
    const method = random.pick(["GET", "HEAD"]);
    const bytes = randomResponse(random);
    const whole = outcome([bytes], method);
    assertEquals(outcome([...pieces(random, bytes)], method), whole);
  },
);

fuzz(
  "an answer that an origin spoils in ways that leave one reading is read as the right one is, and the fault is noted",
  (random) => {
    const right = rightAnswer(random);
    const spoilt = spoiltHarmlessly(random, right);
    const expected = readAnswer([toBytes(right)]);
    assertEquals([expected.error, expected.isWhole, expected.mended], [null, true, []]);
    const read = readAnswer([...pieces(random, toBytes(spoilt))]);
    const shown = JSON.stringify(spoilt);
    assertEquals([read.error, read.isWhole, read.body], [null, true, expected.body], shown);
    assertEquals(plainOf(read), plainOf(expected), shown);
    assertEquals(read.mended.length > 0, spoilt !== right, shown);
  },
);

fuzz(
  "an answer that PROTOCOL.md refuses is never whole with any right fields in front of the wrong ones",
  (random) => {
    const { fault, answer } = oneOf(random, originAnswers("refused"));
    const at = answer.indexOf("\r\n") + 2;
    if (at >= answer.length) return;
    const lines = Array.from({ length: random.integer(0, 5) }, () => "x-a: y\r\n").join("");
    const bytes = toBytes(answer.slice(0, at) + lines + answer.slice(at));
    assert(!readAnswer([...pieces(random, bytes)]).isWhole, fault);
  },
);

fuzz("chunks that are written are read as what was put in", (random) => {
  const body = random.bytes(random.pick([0, 1, 15, 16, 17, 1000, 70_000]));
  const parts: Uint8Array[] = [];
  for (const piece of pieces(random, body)) {
    const prefix = new Uint8Array(MAX_CHUNK_PREFIX);
    parts.push(prefix.subarray(0, writeChunkPrefix(piece.length, prefix, 0)), piece, CHUNK_END);
  }
  const behind = random.bytes(random.integer(0, 10));
  const chunked = joined(...parts, lastChunk(null), behind);
  const decoder = new BodyDecoder("chunked");
  const read: Uint8Array[] = [];
  let rest = 0;
  for (const piece of pieces(random, chunked)) {
    const copy = piece.slice();
    const end = decoder.done ? 0 : decoder.decode(copy, 0, copy.length);
    if (end > 0) read.push(copy.slice(decoder.from, decoder.to));
    rest += copy.length - end;
  }
  assert(decoder.done);
  assertEquals(rest, behind.length);
  assertSameBytes(joined(...read), body);
});

/** What reading an answer comes to, however its bytes arrive. */
function outcome(arriving: readonly Uint8Array[], method: string) {
  const { head, error, ...read } = readAnswer(arriving, method);
  for (const field of head?.fields ?? []) assertCleanField(field);
  if (head !== null && head.status >= 200) {
    // What was mended goes on as strictly as everything else.
    const written = encodeResponseHead(head);
    assertSameBytes(encodeResponseHead(decodeResponseHead(written)), written);
  }
  if (error !== null) {
    assertEquals(error.code, "malformed");
    assert(error.message.length < 500, "the message shows too much");
    // Which of two faults is met first may depend on the pieces; that it is refused may not.
    return { head: head === null ? null : plain(head), error: true };
  }
  return { head: head === null ? null : plain(head), ...read };
}

function randomHead(random: SeededRandom, isRequest: boolean): Uint8Array {
  const start = isRequest
    ? `${random.pick(METHODS)} ${random.pick(TARGETS)} HTTP/1.1`
    : random.pick(["200", "204", "101", "599", "199", "600", "304 OK"]);
  const golden = GOLDEN_FRAMES.filter(({ type }) => /^HTTP|^WSRe/.test(type));
  const refused = REFUSED[isRequest ? "request" : "response"];
  const payload = random.pick([
    rawHead(start, randomFields(random)),
    rawHead(start, randomFields(random)),
    oneOf(random, golden).payload,
    toBytes(oneOf(random, refused).head),
  ]);
  if (random.oneIn(3)) return payload;
  if (random.oneIn(2)) return mutated(random, payload);
  return toBytes(mutatedText(random, toText(payload), EVIL).replace(/[^\0-\xff]/g, "?"));
}

function randomRequest(random: SeededRandom): RequestHead {
  const spoilt = (text: string): string => random.oneIn(6) ? mutatedText(random, text, EVIL) : text;
  return {
    method: spoilt(random.pick(METHODS)),
    target: spoilt(random.pick(TARGETS)),
    fields: randomFields(random).map(([name, value]) => [spoilt(name), spoilt(value)]),
  };
}

function randomFields(random: SeededRandom): Field[] {
  return Array.from({ length: random.pick([0, 1, 2, 5, 20, 257]) }, () => {
    return [random.pick(NAMES), random.pick(VALUES)];
  });
}

/** Lines that a response may have, and that may contradict each other. */
const LINES = [
  ...[
    "Content-Length: 5",
    "content-length: 5, 5",
    "Content-Length: 12",
    "Transfer-Encoding: chunked",
  ],
  ...["transfer-encoding: Chunked", "Connection: close, x", "Connection: keep-alive", "X: y", "X:"],
  ...["a b: c", "Content-Length : 5", "a: b\nc: d", ": x", " folded", "no colon", "x-a\t: b"],
  ...["Set-Cookie:\ta ", "Keep-Alive: timeout=5", "Y: \xe9\xff", `Z: ${"z".repeat(90)}`],
] as const;

const STARTS = [
  ...[
    "HTTP/1.1 200 OK",
    "HTTP/1.0 404 Not Found",
    "HTTP/1.1 204",
    "HTTP/1.1 304 ",
    "HTTP/1.1 100 x",
  ],
] as const;

const BODIES = [
  ...["", "hello", "hello HTTP/1.1 200 OK\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"],
  ...["ffffffffffffffff\r\n", "1fffffffffffff\r\nx", "0\r\nT: u\r\n\r\n"],
  ...["5  \nhello\n0\n\n", "5\r\nhello\r\n0\r\n", "5;a\nhello\n0\n\n"],
  "5;a=b\r\nhello\r\n10 ;x\r\n0123456789abcdef\r\n000\r\nT: u\r\n\r\nrest",
] as const;

function randomResponse(random: SeededRandom): Uint8Array {
  const lines = Array.from({ length: random.integer(0, 4) }, () => random.pick(LINES));
  const text = [random.pick(STARTS), ...lines, "", random.pick(BODIES)].join("\r\n");
  if (random.oneIn(4)) return toBytes(text);
  if (random.oneIn(2)) return mutated(random, toBytes(text));
  return toBytes(mutatedText(random, text, EVIL));
}

/** Writes an answer that follows the grammar, and ends with its connection. */
function rightAnswer(random: SeededRandom): string {
  const fields = Array.from({ length: random.integer(0, 4) }, () => {
    return `${random.pick(["A", "set-cookie", "X-b"])}:${random.pick(["", " ", "\t"])}${
      random.pick(["", "x", "a: b;c", "é\xff"])
    }\r\n`;
  });
  const start = `HTTP/1.1 ${random.pick(["200 OK", "404", "500 "])}\r\n${fields.join("")}`;
  const body = "x".repeat(random.pick([0, 1, 20]));
  if (random.oneIn(3)) return `${start}Content-Length: ${body.length}\r\n\r\n${body}`;
  const chunk = body === "" ? "" : `${body.length.toString(16)}\r\n${body}\r\n`;
  const trailer = random.pick(["", "T: u\r\n"]);
  return `${start}Transfer-Encoding: chunked\r\n\r\n${chunk}${chunk}0\r\n${trailer}\r\n`;
}

/** Breaks the grammar in places, each of which can still be read in one way only. */
function spoiltHarmlessly(random: SeededRandom, right: string): string {
  const headEnd = right.indexOf("\r\n\r\n") + 2;
  const isChunked = right.includes("Transfer-Encoding");
  const odd = (text: string): string => random.oneIn(4) ? text : "";
  const head = right.slice(0, headEnd)
    .replace(/(?<=HTTP.*)\r\n/, (end) => `${odd(" \0\x1b")}${end}`)
    .replace(/^([A-Za-z-]+):/gm, (name) => `${name.slice(0, -1)}${odd(" \t")}:`)
    .replace(/\r\n/g, (end) => `${end}${odd(random.pick(["a b: c\r\n", ":\r\n", "[x]: y\r\n"]))}`);
  const body = isChunked
    ? right.slice(headEnd).replace(/^([0-9a-f]+)(?=\r\n)/gm, (size) => `${size}${odd(" \t ")}`)
    : right.slice(headEnd);
  const text = (head + body).replace(/\r\n/g, () => random.oneIn(4) ? "\n" : "\r\n");
  const last = isChunked && random.oneIn(4) ? /\r?\n$/ : /$^/;
  return text.replace(last, "");
}

function plainOf({ head }: AnswerReading): RequestHead | ResponseHead | null {
  return head === null ? null : plain(head);
}

function assertCleanField([name, value]: Field): void {
  assert(/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name), `name ${JSON.stringify(name)}`);
  assert(/^[\t\x20-\x7e\x80-\xff]*$/.test(value), `value ${JSON.stringify(value)}`);
}

function oneOf<T>(random: SeededRandom, items: readonly T[]): T {
  const item = items[random.integer(0, items.length - 1)];
  if (item === undefined) throw new RangeError("there is nothing to pick from");
  return item;
}
