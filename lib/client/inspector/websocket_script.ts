import type { Chunk } from "../../mux/receive_queue.ts";
import { CloseCode } from "../../websocket/close_code.ts";
import { FrameFlag, FrameType } from "../../wire/frame.ts";
import { encodeReset } from "../../wire/reasons.ts";
import { APIError } from "./api_error.ts";
import type { ExchangeRecord } from "./exchange_record.ts";
import { octetsOf } from "./exchange_view.ts";
import type { KeptMessage, MessageLog } from "./message_log.ts";

/** What the visitor of a replay sends, and what comes before it. */
export interface ReplayStep {
  /** A message, or the close. */
  readonly chunk: Chunk;
  /** How many messages the service has sent by then. */
  readonly after: number;
  /** Milliseconds that it waits for them; then it is sent all the same. */
  readonly patience: number;
}

/** Milliseconds that the service may take beside those that it took the first time. */
const EXTRA_PATIENCE = 2_000;

/** Milliseconds of a wait at most, for nobody replays a pause of hours. */
const MAX_PATIENCE = 30_000;

/**
 * Makes what the visitor of a WebSocket sends once more: its messages in their order, each behind as many of the
 * service's as the first time, since a service may want to be greeted before it listens; a close is the last.
 *
 * @throws {APIError} when the visitor's messages were not kept whole.
 */
export function scriptOf({ messages }: ExchangeRecord): readonly ReplayStep[] {
  const steps: ReplayStep[] = [];
  let after = 0;
  let latest = 0;
  let sentAt = 0;
  let close: Chunk | null = null;
  const put = (chunk: Chunk): void => {
    const patience = Math.min(MAX_PATIENCE, latest - sentAt + EXTRA_PATIENCE);
    steps.push({ chunk, after, patience });
    sentAt = latest;
  };
  for (const message of messages === null ? [] : wholeMessages(messages)) {
    latest = message.at;
    if (message.from === "visitor") {
      const chunk = chunkOf(message);
      if (message.kind === "close") close = chunk;
      else put(chunk);
    } else if (message.kind !== "close") after++;
    // What the visitor closed with was an answer, and waits for the service's close.
    else if (close === null) after = Infinity;
  }
  put(close ?? closeChunk(CloseCode.Normal, ""));
  return steps;
}

/** Returns all that were sent, in order. @throws {APIError} when some of the visitor's are not kept. */
function wholeMessages(log: MessageLog): readonly KeptMessage[] {
  if (log.first > 0) {
    throw new APIError(
      "conflict",
      `The first ${log.first} of its ${log.total} messages are not kept any more: a WebSocket that ` +
        "begins in the middle would be another one.",
    );
  }
  const list: KeptMessage[] = [];
  for (let index = 0; index < log.total; index++) {
    const message = log.at(index);
    if (message === undefined) continue;
    if (message.from === "visitor" && !message.isWhole) {
      throw new APIError(
        "conflict",
        `Of the visitor's message ${index}, ${message.octets.length} of ${message.size} bytes were ` +
          "kept: it cannot be sent again.",
      );
    }
    list.push(message);
  }
  return list;
}

function chunkOf({ kind, code, octets }: KeptMessage): Chunk {
  const bytes = octetsOf(octets);
  if (kind === "close") return closeChunk(code, new TextDecoder().decode(bytes));
  const flags = kind === "text" ? FrameFlag.Text : 0;
  return { type: FrameType.WSMessage, flags, bytes, cost: bytes.length };
}

function closeChunk(code: number, reason: string): Chunk {
  const bytes = encodeReset(code, reason).slice();
  return { type: FrameType.WSTeardown, flags: 0, bytes, cost: bytes.length };
}
