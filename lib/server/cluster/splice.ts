import { messageOf } from "../../cli/safe_text.ts";
import { waitAtMost } from "../../net/with_timeout.ts";
import { ErrorCode, StreamError } from "../../wire/errors.ts";
import { FrameType } from "../../wire/frame.ts";
import type { Chunk } from "../../mux/receive_queue.ts";
import type { OpenedStream, Stream } from "../../mux/stream.ts";

/** Milliseconds in which the client has to take what the visitor had sent before it left. */
const LAST_BYTES_TIMEOUT = 2_000;

/**
 * Joins the stream that another node opened with the one that was opened for it to the client.
 *
 * What one side sends is read only as the other takes it, so credit travels through both hops and this node holds
 * at most the two windows. Heads, messages, teardowns and resets go through as they are, each behind what came before
 * it. It never rejects.
 *
 * @param first was read of the visitor's stream already.
 */
export async function splice(
  visitor: Stream,
  { stream: client, response }: Pick<OpenedStream, "stream" | "response">,
  first?: Chunk,
): Promise<void> {
  let cut: Error | null = null;
  client.onAbort = (error) => cut = error;
  // The other direction tells why the client's stream has ended, and the following why the visitor's has.
  const upload = pump(visitor, client, first).catch(() => {});
  const leave = async (error: Error): Promise<void> => {
    await waitAtMost(LAST_BYTES_TIMEOUT, upload);
    client.reset(codeOf(error), error.message);
  };
  if (visitor.sendEnded) void leave(new StreamError(ErrorCode.Cancelled, "the visitor has left"));
  else visitor.onAbort = (error) => void leave(error);
  try {
    const head = await response;
    const only = client.receiveEnded ? client.readNow() : undefined;
    const isWhole = client.receiveEnded && only === undefined;
    visitor.respond(head, isWhole);
    if (!isWhole) await pump(client, visitor, only);
    // A client that has answered may not want the rest of the request: the answer goes first.
    client.onAbort = (error) => visitor.reset(codeOf(error), error.message);
    if (cut !== null) client.onAbort(cut);
  } catch (error) {
    // A visitor who has left takes no answer, and what it had sent ends the client's stream.
    if (visitor.sendEnded) return await upload;
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
