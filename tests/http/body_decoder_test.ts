import { assertEquals, assertThrows } from "@std/assert";
import { BodyDecoder, type ResponseFraming } from "../../lib/http/body_decoder.ts";
import type { Field } from "../../lib/http/fields.ts";
import { LF_ALONE } from "../../lib/http/mendings.ts";
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
function decode(reading: ResponseFraming | BodyDecoder, pieces: readonly string[]): Decoded {
  const decoder = reading instanceof BodyDecoder ? reading : new BodyDecoder(reading);
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
  assertEquals(new BodyDecoder("close").endConnection(), true);
  for (const framing of ["chunked", 5] as const) {
    assertEquals(new BodyDecoder(framing).endConnection(), false);
  }
});

Deno.test("BodyDecoder takes the end of the connection behind the last chunk, and nowhere before it", () => {
  const text = "2\r\nok\r\n0\r\nx: y\r\n\r\n";
  const behindLast = text.indexOf("0\r\n") + 3;
  for (let cut = 0; cut < text.length; cut++) {
    const decoder = new BodyDecoder("chunked");
    decoder.decode(bytes(text), 0, cut);
    assertEquals(decoder.endConnection(), cut >= behindLast, text.slice(0, cut));
    assertEquals([decoder.done, decoder.takeMended().length], [
      cut >= behindLast,
      cut >= behindLast ? 1 : 0,
    ]);
  }
});

Deno.test("BodyDecoder mends chunks that can be read in one way only, and notes it", () => {
  const blanks = "blanks stand behind a chunk's size (RFC 9112 section 7.1)";
  const trailer = "a trailer's name is not a token (RFC 9110 section 5.1)";
  const cases = [
    ["2\r\nok\r\n0\r\n\r\n", []],
    ["2 ;x\r\nok\r\n0\r\n\r\n", []],
    ["2  \r\nok\r\n0 \t\r\n\r\n", [blanks]],
    ["2\nok\n0\n\n", [LF_ALONE]],
    ["2\r\nok\n0\r\n\r\n", [LF_ALONE]],
    ["2 \nok\r\n0\r\n\n", [LF_ALONE, blanks]],
    ["2\r\nok\r\n0\r\na: b\n\r\n", [LF_ALONE]],
    ["2\r\nok\r\n0\r\na b: c\r\n:d\r\n\r\n", [trailer]],
  ] as const;
  for (const [text, noted] of cases) {
    for (const pieces of [[`${text}next`], [...text, "next"]]) {
      const decoder = new BodyDecoder("chunked");
      assertEquals(decode(decoder, pieces), { data: "ok", rest: "next", done: true });
      assertEquals<readonly string[]>(decoder.takeMended(), noted, JSON.stringify(text));
    }
  }
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

Deno.test("BodyDecoder keeps the trailers that may be passed on, however their bytes arrive", () => {
  const many = "a: b\r\n".repeat(257);
  const sections: readonly (readonly [section: string, trailers: readonly Field[] | null])[] = [
    ["", null],
    ["X-Sum: 1\r\nx-sum:\t2 \r\nA:\r\n", [["x-sum", "1"], ["x-sum", "2"], ["a", ""]]],
    ["Caf\xe9: no token\r\nx-caf: \xe9\r\n", [["x-caf", "\xe9"]]],
    ["a: b\nc: d\n", [["a", "b"], ["c", "d"]]],
    ["Content-Length: 1\r\nIf-Match: *\r\nX-Forwarded-For: ::1\r\nCookie: a\r\n", null],
    [many, null],
    ["(content-length): 1\r\na: b\r\n", null],
  ];
  for (const [section, trailers] of sections) {
    const text = `2\r\nok\r\n0\r\n${section}\r\nnext`;
    for (const pieces of [[text], [...text]]) {
      const decoder = new BodyDecoder("chunked");
      assertEquals(decode(decoder, pieces).data, "ok");
      assertEquals(decoder.trailers, trailers, JSON.stringify(section));
    }
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
    "1 \rx",
    "1\rx",
    "1;\n",
  ];
  const large = ["20000000000000\r\n", "00000000000000001\r\n", "1 2\r\n", "1;\0\r\n", "1;a\r\r\n"];
  const data = ["1\r\nab", "1\r\na\rb", "1\r\na0\r\n"];
  const trailers = [
    "0\r\na b\r\n",
    "0\r\n a: b\r\n",
    "0\r\na: \x01",
    "0\r\na\0: b",
    "0\r\na\r\n",
    "0\r\na\n",
    "0\r\n\r\r",
    "0\r\na: b\r\r",
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
