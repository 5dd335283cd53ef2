import { ErrorCode } from "../../wire/errors.ts";
import type { Chunk } from "../../mux/receive_queue.ts";
import type { Stream } from "../../mux/stream.ts";
import type { BodySource } from "../listen/visit.ts";

/** Returns an answer's body: bytes when all of it is here already, else what is read as fast as the visitor takes it. */
export function responseBody(stream: Stream): Uint8Array<ArrayBuffer> | BodySource | null {
  if (!stream.receiveEnded) return new StreamBody(stream, []);
  const only = stream.readNow();
  if (only === undefined) return null;
  const next = stream.readNow();
  return next === undefined ? only.bytes : new StreamBody(stream, [only, next]);
}

/** The body that comes on a stream. */
class StreamBody implements BodySource {
  readonly #stream: Stream;
  /** What was read already. */
  readonly #first: Chunk[];

  constructor(stream: Stream, first: Chunk[]) {
    this.#stream = stream;
    this.#first = first;
  }

  read(): Chunk | null | Promise<Chunk | null> {
    return this.#first.shift() ?? this.#stream.read();
  }

  cancel(): void {
    this.#stream.reset(ErrorCode.Cancelled, "the visitor left");
  }
}
