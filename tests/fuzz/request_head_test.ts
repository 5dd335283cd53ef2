import { assert, assertEquals } from "@std/assert";
import { BodyDecoder } from "../../lib/http/body_decoder.ts";
import { OriginError } from "../../lib/http/origin_error.ts";
import { RequestError } from "../../lib/http/request_error.ts";
import { type ParsedRequest, RequestHeadParser } from "../../lib/http/request_parser.ts";
import { toBytes, toText } from "../testing/latin1.ts";
import type { SeededRandom } from "../testing/seeded_random.ts";
import { fuzz } from "./fuzz.ts";
import { mutated, mutatedText, pieces } from "./mutated.ts";

/** Characters and words with which heads are attacked. */
const EVIL = [
  ...["\r", "\n", "\r\n", "\r\n\r\n", "\n\n", "\0", "\x0b", "\x7f", "\x85", "\xa0", "\xff"],
  ...[" ", "\t", ":", ",", ";", "/", "?", "#", "@", "*", "HTTP/1.1", "HTTP/1.0", "http://b"],
  ...["0", "9", "+", "-", "x", "Host: b", "Content-Length: 3", "Transfer-Encoding: chunked"],
] as const;

const METHODS = ["GET", "POST", "HEAD", "OPTIONS", "CONNECT", "x-y", "!#$%&'*+-.^_`|~"] as const;
const TARGETS = ["/", "*", "/a?b", "//x/../%2F", "/\xff", "http://b:1/c", "b:443"] as const;
const NAMES = ["Accept", "HOST", "x", "Content-Length", "connection", "Transfer-Encoding"] as const;
const VALUES = ["", "0", "5", "a b", "\xff\t\xe9", "close, x", "chunked", "x".repeat(300)] as const;

fuzz(
  "a request head is read the same however its bytes arrive, and nothing but a RequestError refuses it",
  (random) => {
    const bytes = randomRequest(random);
    const whole = outcome([bytes]);
    assertEquals(outcome([...pieces(random, bytes)]), whole);
  },
);

fuzz(
  "a request head that is taken is one that every reader ends and frames alike",
  (random) => {
    const bytes = randomRequest(random);
    const parser = new RequestHeadParser();
    const head = parsed(parser, bytes, bytes.length);
    if (head === null || head instanceof RequestError) return;
    const text = toText(bytes.subarray(0, head.end));
    // The strictest reader splits at CR LF alone, and the most lenient at either.
    assert(text.endsWith("\r\n\r\n"), JSON.stringify(text));
    const lines = text.slice(0, -4).split("\r\n");
    assertEquals(text.slice(0, -4).split(/[\r\n]+/), lines);
    const [start = "", ...fields] = lines;
    assert(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [^\0-\x20\x7f]+ HTTP\/1\.[01]$/.test(start), start);
    for (const line of fields) {
      assert(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*$/.test(line), line);
    }
    const named = (name: string) => fields.filter((line) => line.toLowerCase().startsWith(name));
    const [lengths, codings] = [named("content-length:"), named("transfer-encoding:")];
    assert(named("host:").length <= 1 && codings.length <= 1);
    if (head.framing === "chunked") {
      assertEquals([lengths.length, head.minor], [0, 1]);
      assert(/^transfer-encoding:[ \t]*chunked[ \t]*$/i.test(codings[0] ?? ""));
    } else {
      assertEquals(codings.length, 0);
      const length = BigInt(head.framing);
      for (const line of lengths) {
        const values = line.slice(line.indexOf(":") + 1).split(",").map((value) => value.trim());
        for (const value of values) {
          assert(/^[0-9]+$/.test(value) && BigInt(value) === length, line);
        }
      }
    }
  },
);

fuzz(
  "the chunks of a request are read the same however they arrive, and end where they are said to",
  (random) => {
    const bytes = randomBody(random);
    const whole = bodyOf([bytes]);
    assertEquals(bodyOf([...pieces(random, bytes)]), whole);
  },
);

/** What reading a head comes to, however its bytes arrive. */
function outcome(arriving: readonly Uint8Array[]): unknown {
  const length = arriving.reduce((sum, piece) => sum + piece.length, 0);
  const buffer = new Uint8Array(length);
  const parser = new RequestHeadParser();
  let end = 0;
  for (const piece of arriving) {
    buffer.set(piece, end);
    end += piece.length;
    const head = parsed(parser, buffer, end);
    if (head instanceof RequestError) {
      assert(head.message.length < 500, "the message shows too much");
      return "refused";
    }
    if (head !== null) return head;
  }
  return null;
}

function parsed(
  parser: RequestHeadParser,
  buffer: Uint8Array,
  end: number,
): ParsedRequest | RequestError | null {
  try {
    return parser.parse(buffer, 0, end);
  } catch (error) {
    if (error instanceof RequestError) return error;
    throw error;
  }
}

function bodyOf(arriving: readonly Uint8Array[]): unknown {
  const decoder = new BodyDecoder("chunked");
  let text = "";
  let taken = 0;
  for (const piece of arriving) {
    if (decoder.done) break;
    const copy = new Uint8Array(piece);
    try {
      taken += decoder.decode(copy, 0, copy.length);
    } catch (error) {
      if (!(error instanceof OriginError)) throw error;
      return "refused";
    }
    // A visitor's chunks are not mended.
    if (decoder.takeMended().length > 0) return "refused";
    text += toText(copy.subarray(decoder.from, decoder.to));
  }
  return { text, taken: decoder.done ? taken : null };
}

function randomRequest(random: SeededRandom): Uint8Array {
  const start = `${random.pick(METHODS)} ${random.pick(TARGETS)} HTTP/1.${random.integer(0, 1)}`;
  const fields = Array.from(
    { length: random.pick([0, 1, 2, 5, 130]) },
    () => `${random.pick(NAMES)}:${random.pick(["", " ", "\t"])}${random.pick(VALUES)}`,
  );
  const behind = random.pick(["", "hello", "GET / HTTP/1.1\r\n\r\n"]);
  const text = [start, ...fields, "", behind].join("\r\n");
  if (random.oneIn(3)) return toBytes(text);
  if (random.oneIn(2)) return mutated(random, toBytes(text));
  return toBytes(mutatedText(random, text, EVIL).replace(/[^\0-\xff]/g, "?"));
}

function randomBody(random: SeededRandom): Uint8Array {
  const chunks = Array.from({ length: random.integer(0, 3) }, () => {
    const data = "x".repeat(random.integer(1, 20));
    return `${data.length.toString(16)}${random.pick(["", "", ";a=b"])}\r\n${data}\r\n`;
  });
  const text = `${chunks.join("")}0\r\n${random.pick(["", "T: u\r\n"])}\r\nrest`;
  if (random.oneIn(3)) return toBytes(text);
  return toBytes(mutatedText(random, text, EVIL).replace(/[^\0-\xff]/g, "?"));
}
