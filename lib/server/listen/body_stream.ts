import type { Log } from "../../cli/log.ts";
import { messageOf } from "../../cli/safe_text.ts";
import type { BodySource } from "./visit.ts";

export interface BodyStreamOptions {
  readonly log: Log;
  /** A piece is on its way to the visitor; its length is in bytes. */
  readonly onPiece: (length: number) => void;
  /** The body is over, whole or not; called twice for one that is cut while its visitor leaves. */
  readonly onEnd: () => void;
}

/** Makes of a body what `Response` takes: a stream that reads a piece only when the visitor has taken the one before. */
export function bodyStream(
  source: BodySource,
  { log, onPiece, onEnd }: BodyStreamOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        const read = source.read();
        const piece = read instanceof Promise ? await read : read;
        if (piece === null) {
          onEnd();
          controller.close();
          return;
        }
        onPiece(piece.bytes.length);
        controller.enqueue(piece.bytes);
      } catch (error) {
        onEnd();
        // The status has gone out, so a cut connection is all that can tell the visitor.
        controller.error(new CutShort(log, error));
      }
    },
    cancel() {
      source.cancel();
      onEnd();
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
