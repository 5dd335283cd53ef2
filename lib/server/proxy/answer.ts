import { ErrorCode, StreamError } from "../../wire/errors.ts";
import type { ResponseHead } from "../../http/head.ts";
import { fieldValue, withoutHopByHop } from "../../http/fields.ts";
import type { Stream } from "../../mux/stream.ts";
import type { Log } from "../../cli/log.ts";
import type { FieldList } from "./field_list.ts";
import { responseBody } from "./response_body.ts";

/** Statuses whose responses end with their head (RFC 9110 section 6.4.1), by what `Response` accepts with a body. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** What of a public request decides how its answer is framed. */
export interface AnsweredVisit {
  readonly request: Pick<Request, "method">;
  readonly fields: FieldList;
}

/**
 * Turns a response head, and the body that follows it on the stream, into what `Deno.serve` sends.
 *
 * @throws {StreamError} `Protocol` for a status that is no final one, and a body that is not as long as announced.
 */
export function answer(
  visit: AnsweredVisit,
  head: ResponseHead,
  stream: Stream,
  log: Log,
): Response {
  if (head.status < 200) {
    throw new StreamError(ErrorCode.Protocol, `status ${head.status} as a final response`);
  }
  const status = endableStatus(visit.fields, head.status);
  const isHead = visit.request.method === "HEAD";
  const isEmpty = WITHOUT_BODY.has(status);
  const hasBody = !isHead && !isEmpty;
  if (!hasBody && !stream.receiveEnded) {
    stream.reset(ErrorCode.Cancelled, "the answer has no body");
  }
  const announced = fieldValue(head.fields, "content-length");
  // Deno writes a length of zero for no body, which would be wrong for the HEAD of an answer whose
  // length the origin does not tell (RFC 9110 section 9.3.2); a stream has no length.
  const none = isHead && !isEmpty && announced === undefined ? endedStream() : null;
  const body = hasBody ? responseBody(stream, log) : none;
  if (hasBody && announced !== undefined) checkWhole(body, Number(announced));
  const response = new Response(body, { status });
  // Appending to a response's own fields takes half as long as handing it a list.
  for (const [name, value] of withoutHopByHop(head.fields)) response.headers.append(name, value);
  return response;
}

/** Refuses a body that is here whole but not as announced: Deno would write its true length, and what is cut would look complete. */
function checkWhole(body: Uint8Array | ReadableStream | null, announced: number): void {
  if (body instanceof ReadableStream) return;
  const length = body?.length ?? 0;
  if (length === announced) return;
  throw new StreamError(ErrorCode.Protocol, `a body of ${length} bytes where ${announced} follow`);
}

function endedStream(): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({ pull: (controller) => controller.close() });
}

/**
 * Returns the status to send. Deno ends a 205 neither by a length nor by closing, so that a visitor
 * on a connection that is kept would wait for ever; such a visitor gets 204, which has no body either.
 */
function endableStatus(fields: FieldList, status: number): number {
  if (status !== 205) return status;
  const isHTTP2 = !fields.has("host");
  const closes = /(?:^|,)\s*close\s*(?:,|$)/i.test(fields.get("connection") ?? "");
  return isHTTP2 || closes ? 205 : 204;
}
