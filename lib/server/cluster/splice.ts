import { messageOf } from "../../cli/safe_text.ts";
import { waitAtMost } from "../../net/with_timeout.ts";
import { ErrorCode, StreamError } from "../../wire/errors.ts";
import { FrameType } from "../../wire/frame.ts";
import type { ResponseHead } from "../../http/head.ts";
import type { PendingHead } from "../../mux/pending_head.ts";
import type { Chunk } from "../../mux/receive_queue.ts";
import type { OpenedStream, Stream } from "../../mux/stream.ts";

/** Milliseconds in which the client has to take what the visitor had sent before it left. */
const LAST_BYTES_TIMEOUT = 2_000;

export interface SpliceOptions {
  /** What was read of the visitor's stream already. */
  readonly first?: Chunk | undefined;
  /** Bytes that the visitor's body may have. @default no limit of this tunnel */
  readonly maxBody?: number | null;
  /** Answers for a body that is longer, before anything else was answered. */
  readonly onTooLong?: (most: number) => Promise<void>;
}

/**
 * Joins the stream that another node opened with the one that was opened for it to the client.
 *
 * What one side sends is read only as the other takes it, so credit travels through both hops and this node holds
 * at most the two windows. Heads, messages, teardowns and resets go through as they are, each behind what came before
 * it. It never rejects.
 */
export async function splice(
  visitor: Stream,
  { stream: client, head: pending }: Pick<OpenedStream, "stream" | "head">,
  { first, maxBody = null, onTooLong }: SpliceOptions = {},
): Promise<void> {
  const response = finalHead(pending, visitor);
  let cut: Error | null = null;
  let isTooLong = false;
  client.onAbort = (error) => cut = error;
  const count = maxBody === null ? null : counter(maxBody, () => {
    isTooLong = true;
    client.reset(ErrorCode.TooLarge, "the request's body is too long");
  });
  // The other direction tells why the client's stream has ended, and the following why the visitor's has.
  const upload = pump(visitor, client, first, count).catch(() => {});
  const leave = async (error: Error): Promise<void> => {
    await waitAtMost(LAST_BYTES_TIMEOUT, upload);
    client.reset(codeOf(error), error.message);
  };
  if (visitor.sendEnded) void leave(new StreamError(ErrorCode.Cancelled, "the visitor has left"));
  else visitor.onAbort = (error) => void leave(error);
  try {
    const head = await response;
    const only = client.receiveEnded ? client.readNow() : undefined;
    const isWhole = client.receiveEnded && only === undefined && client.trailers === null;
    visitor.respond(head, isWhole);
    if (!isWhole) await pump(client, visitor, only);
    // A client that has answered may not want the rest of the request: the answer goes first.
    client.onAbort = (error) => visitor.reset(codeOf(error), error.message);
    if (cut !== null) client.onAbort(cut);
  } catch (error) {
    // A visitor who has left takes no answer, and what it had sent ends the client's stream.
    if (visitor.sendEnded) return await upload;
    if (isTooLong && maxBody !== null && onTooLong !== undefined) return await onTooLong(maxBody);
    visitor.reset(codeOf(error), messageOf(error));
    client.reset(ErrorCode.Cancelled, "no answer came through");
  }
  await upload;
}

/** Waits for the head of the answer, and sends on the interim responses that come before it. */
function finalHead(pending: PendingHead, visitor: Stream): Promise<ResponseHead> {
  const onInterim = (head: ResponseHead): void => visitor.sendInterim(head);
  return new Promise((onHead, onFailure) => pending.receive({ onHead, onFailure, onInterim }));
}

/** Counts the bytes of a body and calls back once there are more than `most`. */
function counter(most: number, onMore: () => void): (chunk: Chunk) => void {
  let length = 0;
  return ({ type, bytes }) => {
    if (type !== FrameType.Data) return;
    length += bytes.length;
    if (length > most) onMore();
  };
}

/** Sends on all that a stream brings, `first` before that, and the end; `see` is shown each piece before it is sent. */
async function pump(
  from: Stream,
  to: Stream,
  first?: Chunk,
  see: ((chunk: Chunk) => void) | null = null,
): Promise<void> {
  for (let next = first; !to.sendEnded;) {
    const chunk = next ?? await from.read();
    next = undefined;
    if (to.sendEnded) return;
    if (chunk === null) {
      if (from.trailers !== null) to.sendTrailers(from.trailers);
      return to.end();
    }
    see?.(chunk);
    if (to.sendEnded) return;
    // The end goes with the last bytes when both are here.
    if (chunk.type === FrameType.Data && from.receiveEnded && from.trailers === null) {
      next = from.readNow();
      if (next === undefined) return to.end(chunk.bytes);
    }
    const writing = to.forward(chunk);
    if (writing !== undefined) await writing;
  }
}

/** Returns the code for the next hop; a node may say that a tunnel is not here, a client may not. */
function codeOf(error: unknown): number {
  if (!(error instanceof StreamError)) return ErrorCode.GoingAway;
  return error.code === ErrorCode.NotHere ? ErrorCode.Internal : error.code;
}
