/**
 * Looks whether a body comes that no field announces, as over HTTP/2 (RFC 9113 section 8.1), and returns it, or null
 * when there is none. It waits for the first piece, or the end, which over HTTP/1.1 is there at once.
 *
 * Rejects when the visitor leaves before.
 */
export async function unannouncedBody(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | null> {
  const reader = body.getReader();
  let first: Uint8Array<ArrayBuffer> | null = null;
  do {
    const { done, value } = await reader.read();
    if (done) return null;
    first = value;
    // Of a body that is none Deno gives an empty piece before its end.
  } while (first.length === 0);
  return new ReadableStream({
    async pull(controller) {
      if (first !== null) {
        controller.enqueue(first);
        first = null;
        return;
      }
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
