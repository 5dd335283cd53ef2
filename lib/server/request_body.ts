import { ErrorCode } from "../tunnel/errors.ts";
import type { Stream } from "../tunnel/stream.ts";

/**
 * Sends a visitor's body into the stream as it comes and as credit allows.
 *
 * A visitor that leaves resets the stream; a stream that ends early, as when the origin has answered
 * without wanting the rest, stops the reading.
 */
export async function sendRequestBody(
  body: ReadableStream<Uint8Array>,
  stream: Stream,
): Promise<void> {
  const reader = body.getReader();
  stream.onAbort = () => void reader.cancel().catch(() => {});
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (stream.sendEnded) return;
      if (done) {
        await stream.end();
        return;
      }
      if (value.length > 0) await stream.write(value);
    }
  } catch {
    stream.reset(ErrorCode.Cancelled, "the visitor left before the end of the request");
  } finally {
    stream.onAbort = null;
  }
}
