import { assertEquals, assertThrows } from "@std/assert";
import { BodyDecoder, type ResponseFraming } from "../../lib/http/body_decoder.ts";
import { ResponseHeadParser } from "../../lib/http/response_parser.ts";
import { OriginError } from "../../lib/http/origin_error.ts";

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

interface Decoded {
  readonly data: string;
  /** What came behind the body. */
  readonly rest: string;
  readonly done: boolean;
}

/** Decodes pieces that arrive one after the other. */
function decode(framing: ResponseFraming, pieces: readonly string[]): Decoded {
  const decoder = new BodyDecoder(framing);
  let data = "";
  let rest = "";
  for (const piece of pieces) {
    const buffer = bytes(`#${piece}#`);
    const end = decoder.done ? 1 : decoder.decode(buffer, 1, buffer.length - 1);
    if (end > 1) data += String.fromCharCode(...buffer.subarray(decoder.from, decoder.to));
    rest += piece.slice(end - 1);
  }
  return { data, rest, done: decoder.done };
}

const CHUNKED = '5\r\nhello\r\n00a;x="y";z\r\n, world wi\r\nB \t;q\r\nth chunks..\r\n0;last\r\n' +
  "Trailer: value\xff\r\nx:\r\n\r\n";
const DATA = "hello, world with chunks..";

Deno.test("BodyDecoder takes a body by its length and leaves what follows", () => {
  assertEquals(decode(5, ["hello"]), { data: "hello", rest: "", done: true });
  assertEquals(decode(5, ["he", "llo more", "more"]), {
    data: "hello",
    rest: " moremore",
    done: true,
  });
  assertEquals(decode(5, ["hell"]), { data: "hell", rest: "", done: false });
  assertEquals(decode(0, ["x"]), { data: "", rest: "x", done: true });
});

Deno.test("BodyDecoder takes a body that ends with the connection", () => {
  assertEquals(decode("close", ["hel", "lo"]), { data: "hello", rest: "", done: false });
  assertEquals(new BodyDecoder("close").endsWithConnection, true);
  assertEquals(new BodyDecoder("chunked").endsWithConnection, false);
});

Deno.test("BodyDecoder takes chunks, passes over extensions and trailers, and leaves what follows", () => {
  assertEquals(decode("chunked", [`${CHUNKED}next`]), { data: DATA, rest: "next", done: true });
  assertEquals(decode("chunked", ["0\r\n\r\n"]), { data: "", rest: "", done: true });
});

Deno.test("BodyDecoder reads the same chunks however the bytes arrive", () => {
  const whole = { data: DATA, rest: "", done: true };
  assertEquals(decode("chunked", [...CHUNKED]), whole);
  for (let cut = 0; cut <= CHUNKED.length; cut++) {
    assertEquals(decode("chunked", [CHUNKED.slice(0, cut), CHUNKED.slice(cut)]), whole);
  }
});

Deno.test("BodyDecoder finds no truncated body done", () => {
  for (let cut = 0; cut < CHUNKED.length; cut++) {
    assertEquals(decode("chunked", [CHUNKED.slice(0, cut)]).done, false);
  }
});

Deno.test("BodyDecoder refuses malformed chunks", () => {
  const sizes = [
    "\r\n",
    ";x\r\n",
    "g\r\n",
    "-1\r\n",
    "+1\r\n",
    "0x1\r\n",
    " 1\r\n",
    "1 \r\n",
    "1\n",
    "1\rx",
    "1;\n",
  ];
  const large = ["20000000000000\r\n", "00000000000000001\r\n", "1 2\r\n", "1;\0\r\n", "1;a\r\r\n"];
  const data = ["1\r\nab", "1\r\na\n", "1\r\na\rb", "1\r\na0\r\n"];
  const trailers = [
    "0\r\n:a\r\n",
    "0\r\na b\r\n",
    "0\r\n a: b\r\n",
    "0\r\na: \x01",
    "0\r\na\r\n",
    "0\r\n\n",
    "0\r\na: b\n",
  ];
  const long = [
    `1;${"x".repeat(5000)}`,
    `1 ${" ".repeat(5000)}`,
    `0\r\n${"a: b\r\n".repeat(5000)}`,
  ];
  for (const text of [...sizes, ...large, ...data, ...trailers, ...long]) {
    const error = assertThrows(() => decode("chunked", [text]), OriginError);
    assertEquals(error.code, "malformed", JSON.stringify(text.slice(0, 40)));
  }
});

Deno.test("ResponseHeadParser and BodyDecoder throw nothing but OriginError, whatever comes", () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;
  console.log(`seed ${seed}`);
  const random = xorshift(seed);
  const heads = [
    "content-length: 26",
    "transfer-encoding: chunked",
    "connection: close, x\r\nx: y",
  ];
  for (let round = 0; round < 5000; round++) {
    const head = `HTTP/1.${round % 2} 200 OK\r\n${heads[round % 3]}\r\nset-cookie: a\r\n\r\n`;
    const buffer = bytes(head + CHUNKED);
    for (let change = random() % 4; change >= 0; change--) mutate(buffer, random);
    try {
      readAll(buffer, random);
    } catch (error) {
      if (!(error instanceof OriginError)) throw error;
    }
  }
});

/** Reads a message from a growing buffer; each step takes at least one byte, so that it ends. */
function readAll(buffer: Uint8Array, random: () => number): void {
  const parser = new ResponseHeadParser();
  let end = 0;
  let parsed = null;
  while (parsed === null && end < buffer.length) {
    end = Math.min(buffer.length, end + 1 + random() % 40);
    parsed = parser.parse(buffer, 0, end, "GET");
  }
  if (parsed === null) return;
  const decoder = new BodyDecoder(parsed.framing);
  let start = parsed.end;
  while (!decoder.done) {
    start = decoder.decode(buffer, start, end);
    if (end === buffer.length) return;
    end = Math.min(buffer.length, end + 1 + random() % 40);
  }
}

function mutate(buffer: Uint8Array, random: () => number): void {
  const at = random() % buffer.length;
  const kind = random() % 4;
  if (kind === 0) buffer[at] = random() & 0xff;
  else if (kind === 1) buffer.copyWithin(at, random() % buffer.length);
  else if (kind === 2) buffer[at] = "\r\n:;0 ,9f".charCodeAt(random() % 9);
  else buffer.fill(buffer[at] ?? 0, at, at + random() % 8);
}

function xorshift(seed: number): () => number {
  let state = seed || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  };
}
