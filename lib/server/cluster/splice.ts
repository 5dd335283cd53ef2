import { messageOf } from "../../cli/safe_text.ts";
import { ErrorCode, StreamError } from "../../wire/errors.ts";
import { FrameType } from "../../wire/frame.ts";
import type { Chunk } from "../../mux/receive_queue.ts";
import type { Stream } from "../../mux/stream.ts";
import type { OpenedStream } from "../tunnels/upstream.ts";

/**
 * Joins the stream that another node opened with the one that was opened for it to the client.
 *
 * What one side sends is read only as the other takes it, so credit travels through both hops and this node holds
 * at most the two windows. Heads, messages, teardowns and resets go through as they are. It never rejects.
 */
export async function splice(
  visitor: Stream,
  { stream: client, response }: OpenedStream,
): Promise<void> {
  let cut: Error | null = null;
  visitor.onAbort = (error) => client.reset(codeOf(error), error.message);
  client.onAbort = (error) => cut = error;
  // The other direction tells why it ended, or the visitor's side has told it.
  const upload = pump(visitor, client, undefined).catch(() => {});
  try {
    const head = await response;
    const first = client.receiveEnded ? client.readNow() : undefined;
    const isWhole = client.receiveEnded && first === undefined;
    visitor.respond(head, isWhole);
    if (!isWhole) await pump(client, visitor, first);
    // A client that has answered may not want the rest of the request: the answer goes first.
    client.onAbort = (error) => visitor.reset(codeOf(error), error.message);
    if (cut !== null) client.onAbort(cut);
  } catch (error) {
    visitor.reset(codeOf(error), messageOf(error));
    client.reset(ErrorCode.Cancelled, "no answer came through");
  }
  await upload;
}

/** Sends on all that a stream brings, `first` before that, and the end. */
async function pump(from: Stream, to: Stream, first: Chunk | undefined): Promise<void> {
  for (let next = first; !to.sendEnded;) {
    const chunk = next ?? await from.read();
    next = undefined;
    if (to.sendEnded) return;
    if (chunk === null) return to.end();
    // The end goes with the last bytes when both are here.
    if (chunk.type === FrameType.Data && from.receiveEnded) {
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
