import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Field } from "../../lib/http/fields.ts";
import { ErrorCode, StreamError } from "../../lib/wire/errors.ts";
import {
  decodeRequestHead,
  decodeResponseHead,
  headLength,
  writtenRequest,
} from "../../lib/wire/head.ts";
import { MAX_HEAD_LENGTH } from "../../lib/wire/limits.ts";
import { goldenFrame } from "../testing/golden_frames.ts";
import {
  encodeRequestHead,
  encodeResponseHead,
  GET,
  OK,
  plain,
  rawHead,
} from "../testing/heads.ts";
import { toBytes } from "../testing/latin1.ts";

Deno.test("writtenRequest and decodeRequestHead agree with the golden frames", () => {
  const head = {
    method: "GET",
    target: "/cafÃ©?q=%20",
    fields: [["host", "app.example"], ["accept", "*/*"]] satisfies Field[],
  };
  const payload = goldenFrame("request").payload.subarray(4);
  assertEquals(encodeRequestHead(head), payload);
  assertEquals(plain(decodeRequestHead(payload)), head);
});

Deno.test("writtenResponse and decodeResponseHead agree with the golden frames", () => {
  const head = {
    status: 200,
    fields: [
      ["content-type", "text/plain"],
      ["set-cookie", "a=1"],
      ["set-cookie", "b=é"],
    ] satisfies Field[],
  };
  const { payload } = goldenFrame("response");
  assertEquals(encodeResponseHead(head), payload);
  assertEquals(plain(decodeResponseHead(payload)), head);
});

Deno.test("heads keep fields in order, repeated and empty, with every octet that a value may have", () => {
  let value = "";
  for (let code = 0; code < 256; code++) {
    if (code === 9 || (code > 0x20 && code !== 0x7f)) value += String.fromCharCode(code);
  }
  const fields: Field[] = [["x-b", `a${value} z`], ["x-a", ""], ["x-b", "again"]];
  assertEquals(decodeResponseHead(encodeResponseHead({ status: 200, fields })).fields, fields);
  const request = { method: "M-SEARCH", target: "*", fields };
  assertEquals(plain(decodeRequestHead(encodeRequestHead(request))), request);
});

Deno.test("a response has a final status or 101, in three digits, and nothing else in its first line", () => {
  for (const status of [101, 200, 204, 304, 404, 599]) {
    assertEquals(plain(decodeResponseHead(encodeResponseHead({ ...OK, status }))), {
      ...OK,
      status,
    });
    assertEquals(decodeResponseHead(toBytes(`${status}\r\n`)).status, status);
  }
  for (const status of [100, 102, 103, 199, 99, 600, 0, -200, 200.5, NaN, 1e10]) {
    malformed(() => encodeResponseHead({ ...OK, status }));
    malformed(() => decodeResponseHead(toBytes(`${status}\r\n`)));
  }
});

Deno.test("heads refuse a content-length that is not one number of bytes, and a request's second host", () => {
  const lengths = ["", "+1", "-1", "1, 1", "0x1", "1e1", "1.0", "9007199254740992"];
  const wrong = [
    ...lengths.map((length) => [["content-length", length]]),
    // Equal values too: the reader of the original has seen them already.
    [["content-length", "1"], ["content-length", "1"]],
  ];
  for (const fields of wrong) {
    malformed(() => decodeRequestHead(rawHead("GET / HTTP/1.1", fields)));
    malformed(() => decodeResponseHead(rawHead("200", fields)));
  }
  const hosts = [["host", "a"], ["host", "a"]];
  malformed(() => decodeRequestHead(rawHead("GET / HTTP/1.1", hosts)));
  assertEquals(decodeResponseHead(rawHead("200", hosts)).fields.length, 2);
});

Deno.test("a head cut anywhere is refused, but where a field begins", () => {
  const request = encodeRequestHead({ ...GET, fields: [["a", "b"], ["c", ""]] });
  const whole = ["GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\na: b\r\n"].map((text) => text.length);
  for (let length = 0; length < request.length; length++) {
    const cut = request.slice(0, length);
    if (whole.includes(length)) decodeRequestHead(cut);
    else malformed(() => decodeRequestHead(cut));
  }
});

Deno.test("a head longer than its frame may be is TooLarge before anything is written", () => {
  const room = MAX_HEAD_LENGTH - headLength(writtenRequest(GET)) - "x: \r\n".length;
  const fits = { ...GET, fields: [["x", "y".repeat(room)] satisfies Field] };
  assertEquals(headLength(writtenRequest(fits)), MAX_HEAD_LENGTH);
  const error = assertThrows(
    () => writtenRequest({ ...GET, fields: [["x", "y".repeat(room + 1)]] }),
    StreamError,
  );
  assertEquals(error.code, ErrorCode.TooLarge);
});

Deno.test("heads of what may not stand in one are refused when they are written", () => {
  malformed(() => encodeRequestHead({ ...GET, target: "/a b" }));
  malformed(() => encodeRequestHead({ ...GET, fields: [["x", "a\r\nb"]] }));
  malformed(() => encodeResponseHead({ ...OK, fields: [["X", "a"]] }));
});

function malformed(run: () => unknown): StreamError {
  const error = assertThrows(run, StreamError);
  assertEquals(error.code, ErrorCode.Protocol);
  assert(error.message.startsWith("malformed head: "), error.message);
  return error;
}
