import { ErrorCode } from "../../wire/errors.ts";
import type { Chunk } from "../../mux/receive_queue.ts";
import type { Stream } from "../../mux/stream.ts";
import { messageOf } from "../../cli/safe_text.ts";
import type { Log } from "../../cli/log.ts";

/**
 * Returns an answer's body: bytes when all of it is here already, else a stream that is read only as
 * fast as the visitor takes it.
 */
export function responseBody(
  stream: Stream,
  log: Log,
): Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>> | null {
  if (stream.receiveEnded) {
    const only = stream.readNow();
    if (only === undefined) return null;
    const next = stream.readNow();
    if (next === undefined) return only.bytes;
    return streamOf(stream, log, [only, next]);
  }
  return streamOf(stream, log, []);
}

function streamOf(
  stream: Stream,
  log: Log,
  first: Chunk[],
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        const read = first.shift() ?? stream.read();
        const chunk = read instanceof Promise ? await read : read;
        if (chunk === null) controller.close();
        else controller.enqueue(chunk.bytes);
      } catch (error) {
        // The status has gone out, so a cut connection is all that can tell the visitor.
        controller.error(new CutShort(log, error));
      }
    },
    cancel() {
      stream.reset(ErrorCode.Cancelled, "the visitor left");
    },
  }, { highWaterMark: 0 });
}

/** Ends a response body early. Deno prints the reason of a body that fails, so this one shows as a line of the log. */
class CutShort extends Error {
  readonly #line: string;

  constructor(log: Log, cause: unknown) {
    super("the response was cut short", { cause });
    this.#line = log.line("warn", "response cut short", { reason: messageOf(cause) });
  }

  [Symbol.for("Deno.customInspect")](): string {
    return this.#line;
  }
}
