import type { BodyReader } from "../listen/visit.ts";
import type { IdleWatch, Waiting } from "./idle_watch.ts";

/** Says that neither a piece nor the end of a body came for as long as the watch waits. */
export class LateBodyError extends Error {
  override readonly name = "LateBodyError";
  readonly code = "LATE";
}

/**
 * Looks whether a body comes that no field announces, as over HTTP/2 (RFC 9113 section 8.1), and returns it, or null
 * when there is none. It waits for the first piece, or the end, which over HTTP/1.1 is there at once.
 *
 * Rejects when the visitor leaves before, and with a LateBodyError when that takes too long.
 */
export async function unannouncedBody(
  reader: BodyReader,
  idle: IdleWatch,
): Promise<BodyReader | null> {
  let first = await firstPiece(reader, idle);
  if (first === null) return null;
  return {
    async read() {
      if (first === null) return await reader.read();
      const value = first;
      first = null;
      return { done: false, value };
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

/** Reads up to the first byte; null when the body ends before. */
async function firstPiece(reader: BodyReader, idle: IdleWatch): Promise<Uint8Array | null> {
  let isLate = false;
  const wait: Waiting = {
    waitingSince: idle.tick,
    onIdle() {
      isLate = true;
      // The read that waits ends with that.
      void reader.cancel().catch(() => {});
    },
  };
  idle.add(wait);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (isLate) throw new LateBodyError("no piece of the body came");
      if (done) return null;
      // Deno gives an empty piece before the end of a body that is none.
      if (value.length > 0) return value;
    }
  } finally {
    idle.delete(wait);
  }
}
