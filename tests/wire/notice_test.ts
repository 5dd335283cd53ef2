import { assertEquals, assertThrows } from "@std/assert";
import { ErrorCode, SessionError } from "../../lib/wire/errors.ts";
import {
  decodeNodeNotice,
  decodeNotice,
  encodeNodeNotice,
  encodeNotice,
} from "../../lib/wire/notice.ts";
import { goldenFrame } from "../testing/golden_frames.ts";

Deno.test("encodeNotice and decodeNotice agree with the golden frame", () => {
  const refused = [
    { status: 429, reason: "rate", count: 12 },
    { status: 401, reason: "auth", count: 1 },
  ];
  const { payload } = goldenFrame("notice");
  assertEquals(encodeNotice({ refused, clients: null }), payload);
  assertEquals(decodeNotice(payload), { refused, clients: null });
});

Deno.test("encodeNotice and decodeNotice agree with the golden frame about the clients of a tunnel", () => {
  const notice = { refused: [], clients: { count: 2, different: 1 } };
  const { payload } = goldenFrame("clients");
  assertEquals(encodeNotice(notice), payload);
  assertEquals(decodeNotice(payload), notice);
});

Deno.test("decodeNodeNotice gives back what encodeNodeNotice writes, and refuses anything else", () => {
  const notice = {
    hostname: "a.tunnel.example",
    refused: [{ status: 413, reason: "body", count: 2 }],
  };
  assertEquals(decodeNodeNotice(encodeNodeNotice(notice)), notice);
  const [entry] = notice.refused.map((refused) => JSON.stringify(refused));
  for (
    const text of [
      "{}",
      '{"hostname":"a"}',
      `{"refused":[${entry}]}`,
      `{"hostname":1,"refused":[${entry}]}`,
      '{"hostname":"a","refused":[{"status":1}]}',
    ]
  ) {
    const error = assertThrows(() => decodeNodeNotice(bytes(text)), SessionError);
    assertEquals(error.code, ErrorCode.Protocol, text);
  }
});

Deno.test("decodeNotice drops members that a later version may add", () => {
  const text = '{"since":1,"refused":[{"status":503,"reason":"streams","count":1,"more":[]}]}';
  assertEquals(decodeNotice(bytes(text)), {
    refused: [{ status: 503, reason: "streams", count: 1 }],
    clients: null,
  });
  assertEquals(decodeNotice(bytes('{"refused":[]}')), { refused: [], clients: null });
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
  const counts = [
    "null",
    "1",
    "[]",
    "{}",
    '{"count":2}',
    '{"count":0,"different":0}',
    '{"count":1.5,"different":0}',
    '{"count":"2","different":0}',
    '{"count":2,"different":-1}',
    '{"count":2,"different":2}',
  ];
  const texts = [
    "",
    "{}",
    "[]",
    '{"refused":{}}',
    ...entries.map((each) => `{"refused":[${each}]}`),
    ...counts.map((each) => `{"refused":[],"clients":${each}}`),
  ];
  for (const text of texts) {
    const error = assertThrows(() => decodeNotice(bytes(text)), SessionError);
    assertEquals(error.code, ErrorCode.Protocol, text);
  }
});

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
