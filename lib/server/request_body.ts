import { ErrorCode } from "../tunnel/errors.ts";
import type { Stream } from "../tunnel/stream.ts";

/**
 * Bytes asked for at once of a body in chunks. Deno 2.9 reads ahead of whoever reads more slowly than the
 * visitor sends, and moves all of that at each read; both grow with this number.
 */
const CHUNKED_READ = 4 * 1024;

/**
 * Sends a visitor's body into the stream as it comes and as credit allows; `length` is null for one in chunks.
 *
 * A visitor that leaves resets the stream; a stream that ends early, as when the origin has answered
 * without wanting the rest, stops the reading.
 */
export async function sendRequestBody(
  body: ReadableStream<Uint8Array>,
  length: number | null,
  stream: Stream,
): Promise<void> {
  const source = length === null ? chunkedSource(body) : body.getReader();
  stream.onAbort = () => void source.cancel().catch(() => {});
  try {
    for (;;) {
      const { done, value } = await source.read();
      if (stream.sendEnded) return;
      if (done) {
        await stream.end();
        return;
      }
      // What was read may be overwritten by the next read: the stream has copied it by then.
      if (value.length > 0) await stream.write(value);
    }
  } catch {
    stream.reset(ErrorCode.Cancelled, "the visitor left before the end of the request");
  } finally {
    stream.onAbort = null;
  }
}

type Source = Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel">;

/** Reads small pieces into one buffer, where Deno's stream allows it: a body that is here already is no byte stream. */
function chunkedSource(body: ReadableStream<Uint8Array>): Source {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: "byob" });
  } catch {
    return body.getReader();
  }
  let buffer = new ArrayBuffer(CHUNKED_READ);
  return {
    async read() {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      if (done) return { done };
      buffer = value.buffer;
      return { done, value };
    },
    cancel: () => reader.cancel(),
  };
}
