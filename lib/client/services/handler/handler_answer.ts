import { type Field, HANDSHAKE_FIELDS, withoutHopByHop } from "../../../http/fields.ts";
import type { ResponseHead } from "../../../http/head.ts";
import type { Incoming } from "../service.ts";

/** @throws {TypeError} for what cannot be sent as an answer; frameworks give `undefined` where no route fits. */
export function checkAnswer(response: Response | undefined): asserts response is Response {
  // The fields are looked at before the body: Bun writes the type of a body that is a Blob in this order alone.
  if (typeof response !== "object" || typeof response.headers !== "object") {
    throw new TypeError(`a handler must answer with a Response, not ${typeof response}`);
  }
  const { status, body } = response;
  if (status < 200) throw new TypeError(`a handler cannot answer with the status ${status}`);
  if (body?.locked || response.bodyUsed) {
    throw new TypeError("a handler cannot answer with a body that was read already");
  }
}

interface Delivery {
  /** The method of the request. */
  readonly method: string;
  /** Aborts when the visitor leaves. */
  readonly gone: AbortSignal;
}

/** Sends an answer, no faster than the visitor takes it. */
export async function sendAnswer(
  incoming: Incoming,
  response: Response,
  { method, gone }: Delivery,
): Promise<void> {
  const { body } = response;
  // A `Response` with a status that has no body (204, 205, 304) cannot have one either.
  const isHead = method === "HEAD";
  if (gone.aborted) return await body?.cancel(gone.reason);
  incoming.respond(headOf(response), body === null || isHead);
  if (body === null) return;
  if (isHead) await body.cancel();
  else await sendBody(incoming, body, gone);
}

/** Returns the fields that go with a handshake's answer; those of the handshake itself each hop writes anew. */
export function handshakeFields({ headers }: Response): Field[] {
  return withoutHopByHop([...headers])
    .filter(([name]) => !HANDSHAKE_FIELDS.has(name) && !OF_BODY.has(name));
}

function headOf({ status, headers }: Response): ResponseHead {
  // The list has each Set-Cookie on its own.
  const fields = withoutHopByHop([...headers]);
  // RFC 9110 section 8.6 allows no length with this status.
  if (status === 204) return { status, fields: fields.filter(([name]) => name !== LENGTH) };
  return { status, fields };
}

const LENGTH = "content-length";

/** Fields of a body, which the answer to a handshake does not have. */
const OF_BODY: ReadonlySet<string> = new Set([LENGTH, "content-type"]);

async function sendBody(
  incoming: Incoming,
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  gone: AbortSignal,
): Promise<void> {
  const reader = body.getReader();
  // The next piece may be hours away: the body's source must hear at once that the visitor has left.
  const stop = (): void => void reader.cancel(gone.reason).catch(() => {});
  gone.addEventListener("abort", stop);
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      await incoming.write(bytesOf(piece.value));
    }
    await incoming.end();
  } catch (error) {
    stop();
    throw error;
  } finally {
    gone.removeEventListener("abort", stop);
  }
}

/** A stream may give anything; texts are what Bun sends as well, and Elysia's generators rely on it. */
function bytesOf(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  if (typeof piece === "string") return encoder.encode(piece);
  throw new TypeError("a body must consist of bytes or texts");
}

const encoder = new TextEncoder();
