import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { ErrorCode, StreamError } from "../../lib/wire/errors.ts";
import {
  decodeDisconnect,
  decodeReset,
  encodeDisconnect,
  encodeReset,
  resetError,
} from "../../lib/wire/reasons.ts";
import { MAX_REASON_LENGTH } from "../../lib/wire/limits.ts";
import { goldenFrame } from "../testing/golden_frames.ts";

Deno.test("encodeDisconnect and decodeDisconnect agree with the golden frames", () => {
  const { GoingAway, Protocol } = ErrorCode;
  for (
    const [name, reason] of [
      ["goaway", { code: GoingAway, kind: "goaway", reason: "the server is being restarted" }],
      ["drain", { code: GoingAway, kind: "drain", reason: "the server stops" }],
      ["disconnect", { code: Protocol, kind: "close", reason: "an empty message" }],
    ] as const
  ) {
    const { payload } = goldenFrame(name);
    assertEquals(encodeDisconnect(reason), payload);
    assertEquals(decodeDisconnect(payload), reason);
  }
});

Deno.test("encodeReset and decodeReset agree with the golden frames", () => {
  const payload = goldenFrame("reset").payload;
  assertEquals(encodeReset(ErrorCode.Cancelled, "the visitor has left"), payload);
  assertEquals(decodeReset(payload), { code: 6, reason: "the visitor has left" });
  assertEquals(encodeReset(1000, "bye"), goldenFrame("teardown").payload);
  assertEquals(encodeReset(1005, ""), goldenFrame("teardown-without-code").payload);
});

Deno.test("encodeReset carries every code of 16 bits", () => {
  for (const code of [0, 1, 255, 256, 4999, 65535]) {
    assertEquals(decodeReset(encodeReset(code, "")).code, code);
    const disconnect = encodeDisconnect({ code, kind: "close", reason: "" });
    assertEquals(decodeDisconnect(disconnect).code, code);
  }
});

Deno.test("encodeReset and encodeDisconnect cut a long reason between characters", () => {
  const long = "€".repeat(1000);
  const reset = encodeReset(0, long);
  assert(reset.length <= 2 + MAX_REASON_LENGTH);
  assertEquals(decodeReset(reset).reason, "€".repeat(Math.floor(MAX_REASON_LENGTH / 3)));
  const disconnect = encodeDisconnect({ code: 0, kind: "close", reason: long });
  assert(disconnect.length <= 3 + MAX_REASON_LENGTH);
  assertEquals(decodeDisconnect(disconnect).reason, "€".repeat(Math.floor(MAX_REASON_LENGTH / 3)));
});

Deno.test("decodeReset and decodeDisconnect bear a reason that is not UTF-8", () => {
  assertEquals(decodeReset(new Uint8Array([0, 1, 0xff, 0x61])).reason, "\ufffda");
  assertEquals(decodeDisconnect(new Uint8Array([0, 1, 0, 0xff])).reason, "\ufffd");
});

Deno.test("decodeDisconnect takes 1 alone for a drain, 2 alone for a GOAWAY and all else for a close", () => {
  for (let value = 0; value < 256; value++) {
    const kind = value === 1 ? "drain" : value === 2 ? "goaway" : "close";
    assertEquals(decodeDisconnect(new Uint8Array([0, 0, value])).kind, kind);
  }
});

Deno.test("resetError is a StreamError with the peer's code, a code of the future too", () => {
  const error = resetError(encodeReset(9999, "new"));
  assertInstanceOf(error, StreamError);
  assertEquals([error.code, error.message], [9999, "new"]);
  assert(resetError(encodeReset(0, "")).message !== "", "a message for the log in any case");
});
