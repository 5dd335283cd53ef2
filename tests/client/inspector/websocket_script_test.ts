import { assertEquals, assertThrows } from "@std/assert";
import { APIError } from "../../../lib/client/inspector/api_error.ts";
import { ExchangeRecord } from "../../../lib/client/inspector/exchange_record.ts";
import type { KeptMessage } from "../../../lib/client/inspector/message_log.ts";
import { scriptOf } from "../../../lib/client/inspector/websocket_script.ts";
import { FrameType } from "../../../lib/wire/frame.ts";
import { decodeReset } from "../../../lib/wire/reasons.ts";
import { requestHead } from "../../testing/fake_incoming.ts";
import { toText } from "../../testing/latin1.ts";

/** A message in short: sender, milliseconds from the start, text; a close has a code in front of its text. */
type Said = readonly [from: KeptMessage["from"], at: number, text: string, code?: number];

function record(said: readonly Said[], change: Partial<KeptMessage> = {}): ExchangeRecord {
  const made = new ExchangeRecord(1, requestHead(), "websocket", null, "");
  for (const [from, at, octets, code = 0] of said) {
    made.messages?.add({
      ...{ from, at, octets, code, size: octets.length, isWhole: true, event: "", eventId: "" },
      kind: code === 0 ? "text" : "close",
      ...change,
    });
  }
  return made;
}

/** Tells what is sent, behind how many of the service's messages, and for how long it waits for them. */
function script(said: readonly Said[]): unknown[] {
  return scriptOf(record(said)).map(({ chunk, after, patience }) => {
    const { code, reason } = decodeReset(chunk.bytes);
    const isClose = chunk.type === FrameType.WSTeardown;
    return [isClose ? `close ${code} ${reason}` : toText(chunk.bytes), after, patience];
  });
}

Deno.test("scriptOf sends messages behind as many of the service's as the first time", () => {
  assertEquals(
    script([
      ...[["service", 10, "who?"], ["visitor", 500, "Ann"], ["visitor", 600, "?"]] as const,
      ...[["service", 4600, "!"], ["visitor", 4700, "bye", 1000]] as const,
    ]),
    [["Ann", 1, 2500], ["?", 1, 2100], ["close 1000 bye", 2, 6100]],
  );
});

Deno.test("scriptOf leaves the close to the service where that closed first, and closes where nobody did", () => {
  assertEquals(
    script([["visitor", 0, "a"], ["service", 5, "no", 4001], ["visitor", 6, "no", 4001]]),
    [
      ["a", 0, 2000],
      ["close 4001 no", Infinity, 2006],
    ],
  );
  assertEquals(script([["service", 5, "tick"], ["service", 900_000, "tick"]]), [
    ["close 1000 ", 2, 30_000],
  ]);
  assertEquals(script([]), [["close 1000 ", 0, 2000]]);
});

Deno.test("scriptOf refuses what was not kept whole, and says what", () => {
  const cut = record([["visitor", 0, "abc"]], { size: 70_000, isWhole: false });
  assertThrows(() => scriptOf(cut), APIError, "message 0, 3 of 70000 bytes were kept");
  const long = record(Array.from({ length: 1200 }, (_, at) => ["visitor", at, "a"] as const));
  assertThrows(() => scriptOf(long), APIError, "The first 200 of its 1200 messages are not kept");
});
