import { parseContentLength } from "../../http/content_length.ts";
import { type Field, fieldValue } from "../../http/fields.ts";
import type { BodyReader } from "./visit.ts";

/** Milliseconds for which what a visitor still sends is taken and dropped; without that it may never see the answer. */
export const LINGER_TIMEOUT = 2_000;

/** Bytes that are dropped at most: more than fits into all buffers on the way. */
export const MAX_DROPPED = 64 * 1024 * 1024;

/** Bytes asked for at once. */
const READ_LENGTH = 64 * 1024;

/** Bytes of an announced body behind which the connection is kept, though nobody wants the body: Deno drops any amount of it. */
export const MAX_LEFT = 1024 * 1024;

/**
 * Reads on for a while and drops it, then ends the body, and with it an HTTP/1.1 connection. To close at once would
 * reset the connection, and the answer would be lost in the visitor's own buffers (RFC 9112 section 9.6). Never rejects.
 */
export async function dropRest(reader: BodyReader): Promise<void> {
  const end = setTimeout(() => void reader.cancel().catch(() => {}), LINGER_TIMEOUT);
  try {
    for (let dropped = 0; dropped < MAX_DROPPED;) {
      const { done, value } = await reader.read();
      if (done) return;
      dropped += value.length;
    }
    await reader.cancel();
  } catch {
    // The visitor has left.
  } finally {
    clearTimeout(end);
  }
}

/** Takes care of what follows the head of a request that is refused. */
export function dropBody(request: Pick<Request, "body">, fields: readonly Field[]): void {
  const announced = parseContentLength(fieldValue(fields, "content-length") ?? "");
  if ((announced !== undefined && announced <= MAX_LEFT) || request.body === null) return;
  void dropRest(readerOf(request.body, READ_LENGTH));
}

/** Reads pieces of some length into one buffer, where Deno's stream allows it: a body that is here already is no byte stream. */
export function readerOf(body: ReadableStream<Uint8Array>, length: number): BodyReader {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: "byob" });
  } catch {
    return body.getReader();
  }
  let buffer = new ArrayBuffer(length);
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
