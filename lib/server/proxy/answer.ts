import { ErrorCode, StreamError } from "../../wire/errors.ts";
import type { ResponseHead } from "../../http/head.ts";
import { type Field, fieldValue, withoutHopByHop } from "../../http/fields.ts";
import type { Chunk } from "../../mux/receive_queue.ts";
import type { Stream } from "../../mux/stream.ts";
import { type Answer, type BodySource, type Visit, WITHOUT_BODY } from "../listen/visit.ts";

/**
 * Makes a visitor's answer of a response head, and of the body that follows it on the stream.
 *
 * @throws {StreamError} `Protocol` for a status that is no final one, and a body that is not as long as announced.
 */
export function answerOf(
  { visit }: { readonly visit: Pick<Visit, "method"> },
  { status, reasonPhrase, fields }: ResponseHead,
  stream: Stream,
): Answer {
  if (status < 200) {
    throw new StreamError(ErrorCode.Protocol, `status ${status} as a final response`);
  }
  const hasBody = visit.method !== "HEAD" && !WITHOUT_BODY.has(status);
  if (!hasBody && !stream.receiveEnded) {
    stream.reset(ErrorCode.Cancelled, "the answer has no body");
  }
  const body = hasBody ? responseBody(stream) : null;
  const announced = fieldValue(fields, "content-length");
  if (hasBody && announced !== undefined) checkWhole(body, Number(announced));
  const answer = { status, fields: withoutHopByHop(fields), body };
  return reasonPhrase === undefined ? answer : { ...answer, reasonPhrase };
}

/** Refuses a body that is here whole but not as announced: with its true length, what is cut would look complete. */
function checkWhole(body: Answer["body"], announced: number): void {
  if (body !== null && !(body instanceof Uint8Array)) return;
  const length = body?.length ?? 0;
  if (length === announced) return;
  throw new StreamError(ErrorCode.Protocol, `a body of ${length} bytes where ${announced} follow`);
}

/** Returns an answer's body: bytes when all of it is here already, else what is read as fast as the visitor takes it. */
export function responseBody(stream: Stream): Uint8Array<ArrayBuffer> | BodySource | null {
  if (!stream.receiveEnded || stream.trailers !== null) return new StreamBody(stream, []);
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

  get trailers(): readonly Field[] | null {
    return this.#stream.trailers;
  }

  read(): Chunk | null | Promise<Chunk | null> {
    return this.#first.shift() ?? this.#stream.read();
  }

  cancel(): void {
    this.#stream.reset(ErrorCode.Cancelled, "the visitor left");
  }
}
