import { assertEquals, assertThrows } from "@std/assert";
import { ErrorCode, SessionError } from "../../lib/wire/errors.ts";
import { decodeNotice, encodeNotice } from "../../lib/wire/notice.ts";
import { goldenFrame } from "../testing/golden_frames.ts";

Deno.test("encodeNotice and decodeNotice agree with the golden frame", () => {
  const refused = [
    { status: 429, reason: "rate", count: 12 },
    { status: 401, reason: "auth", count: 1 },
  ];
  const { payload } = goldenFrame("notice");
  assertEquals(encodeNotice(refused), payload);
  assertEquals(decodeNotice(payload), refused);
});

Deno.test("decodeNotice drops members that a later version may add", () => {
  const text = '{"since":1,"refused":[{"status":503,"reason":"streams","count":1,"more":[]}]}';
  assertEquals(decodeNotice(bytes(text)), [{ status: 503, reason: "streams", count: 1 }]);
  assertEquals(decodeNotice(bytes('{"refused":[]}')), []);
});

Deno.test("decodeNotice refuses anything else", () => {
  const entries = [
    "null",
    "1",
    "[]",
    '{"status":99,"reason":"rate","count":1}',
    '{"status":600,"reason":"rate","count":1}',
    '{"status":"429","reason":"rate","count":1}',
    '{"status":429,"reason":"","count":1}',
    '{"status":429,"reason":"\\u001b[2J","count":1}',
    `{"status":429,"reason":"${"x".repeat(33)}","count":1}`,
    '{"status":429,"reason":"rate","count":0}',
    '{"status":429,"reason":"rate","count":1.5}',
    '{"status":429,"reason":"rate","count":1e300}',
    '{"status":429,"reason":"rate"}',
  ];
  const texts = [
    "",
    "{}",
    "[]",
    '{"refused":{}}',
    ...entries.map((each) => `{"refused":[${each}]}`),
  ];
  for (const text of texts) {
    const error = assertThrows(() => decodeNotice(bytes(text)), SessionError);
    assertEquals(error.code, ErrorCode.Protocol, text);
  }
});

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
