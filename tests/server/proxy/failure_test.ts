import { assert, assertEquals, assertMatch } from "@std/assert";
import { failureAnswer } from "../../../lib/server/proxy/failure.ts";
import { ErrorCode, StreamError } from "../../../lib/wire/errors.ts";

const FAILED = {
  request: { method: "GET", fields: [] },
  hostname: "a.tunnel.example",
};

/** Returns status, code and text of the page for a stream that was reset. */
function pageFor(code: number, reason: string) {
  const { status, code: answerCode, body } = failureAnswer(FAILED, new StreamError(code, reason));
  assert(body instanceof Uint8Array);
  return { status, code: answerCode, text: new TextDecoder().decode(body) };
}

Deno.test("failureAnswer says which rule an origin broke, in its client's words, made safe and cut", () => {
  const { status, code, text } = pageFor(ErrorCode.OriginMalformed, "a CR \x1b[2J must be…\u202e");
  assertEquals([status, code], [502, "malformed"]);
  assertMatch(text, /its answer is not valid HTTP: a CR \\u001b\[2J must be…\\u202e/i);
  const long = pageFor(ErrorCode.OriginMalformed, "x".repeat(1024));
  assertMatch(long.text, /[^x]x{300}…[^x]/);
});

Deno.test("failureAnswer tells a fault of the client from one of the origin, and nothing of the client's words then", () => {
  for (const code of [ErrorCode.Internal, ErrorCode.Protocol, 4711]) {
    const { status, text } = pageFor(code, "TypeError at /home/me");
    assertEquals(status, 502);
    assert(!text.includes("/home/me") && !/its answer is not valid/i.test(text), text);
  }
  assertMatch(
    pageFor(ErrorCode.Internal, "").text,
    /its client failed; the client's terminal says why/i,
  );
});

Deno.test("failureAnswer does not show why an origin was not reached, which names it", () => {
  for (const code of [ErrorCode.OriginUnreachable, ErrorCode.OriginCut, ErrorCode.Timeout]) {
    assert(!pageFor(code, "10.0.0.7:3000").text.includes("10.0.0.7"));
  }
});
