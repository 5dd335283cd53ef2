import { endOfTurn } from "../../mux/transport.ts";
import type { BodyReader } from "./visit.ts";

/**
 * Turns of the event loop in which the end of a body that is none is looked for. Deno has it within the first where it
 * came with the head, and often within the second where it came in a frame of its own.
 */
const TURNS = 2;

/**
 * A body that no field announces, as over HTTP/2 (RFC 9113 section 8.1).
 *
 * What comes after those turns is a body, even when it turns out to have no bytes: a visitor that waits for the
 * answer before it sends anything must not wait for ever.
 */
export class UnannouncedBody implements BodyReader {
  /** Whether there is one, as far as that can be seen without waiting for the visitor. */
  readonly begins: Promise<boolean>;
  readonly #reader: BodyReader;
  /** The read that is under way; null once somebody has taken it. */
  #first: ReturnType<BodyReader["read"]> | null;

  constructor(reader: BodyReader) {
    this.#reader = reader;
    const first = this.#first = firstPiece(reader);
    // Who reads the body is told of a failure.
    const hasBegun = first.then(({ done }) => !done, () => true);
    this.begins = Promise.race([hasBegun, afterTurns(TURNS).then(() => true)]);
  }

  read(): ReturnType<BodyReader["read"]> {
    const first = this.#first;
    this.#first = null;
    return first ?? this.#reader.read();
  }

  cancel(reason?: unknown): Promise<void> {
    return this.#reader.cancel(reason);
  }
}

/** Reads up to the first byte, or the end: Deno gives an empty piece before the end of a body that is none. */
async function firstPiece(reader: BodyReader): ReturnType<BodyReader["read"]> {
  for (;;) {
    const read = await reader.read();
    if (read.done || read.value.length > 0) return read;
  }
}

async function afterTurns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await new Promise<void>((resolve) => endOfTurn(resolve));
  }
}
