import { LINE_END } from "../../../http/octets.ts";
import { type ResponseText, responseText, writeResponse } from "../../../http/response_writer.ts";
import { type Answer, type InterimHead, WITHOUT_BODY } from "../visit.ts";

/** What a visitor's request and its connection say of the head that answers it. */
export interface AnswerContext {
  readonly method: string;
  /** The minor version of HTTP/1 that the visitor speaks. */
  readonly minor: 0 | 1;
  /** Whether another request may come on the connection. */
  readonly keepAlive: boolean;
  /** Seconds for Strict-Transport-Security; null for none. */
  readonly hsts: number | null;
  /** The time now (RFC 9110 section 5.6.7). */
  readonly date: string;
}

/** How an answer's body is sent: not at all, so many bytes, in chunks, or up to the end of the connection. */
export type AnswerFraming = "none" | number | "chunked" | "close";

/** A head as it is sent, and what it says. */
export interface AnswerHead {
  readonly text: ResponseText;
  readonly framing: AnswerFraming;
  readonly keepAlive: boolean;
}

/**
 * Makes the head of an answer: its fields as they are, in order, and what frames the body (RFC 9112 section 6) and speaks of
 * the connection behind them.
 *
 * @throws {RangeError | HeadError} for a head that cannot be sent.
 */
export function answerHead(answer: Answer, context: AnswerContext): AnswerHead {
  const { status, reasonPhrase, body, fields } = answer;
  let length: string | null = null;
  let isDated = false;
  let demandsHTTPS = context.hsts === null;
  let isFramed = false;
  for (const field of fields) {
    const name = field[0];
    switch (name.length) {
      case DATE.length:
        if (name === DATE) isDated = true;
        break;
      case LENGTH.length:
        if (name === LENGTH) length = field[1];
        break;
      case CODING.length:
        if (name === CODING) isFramed = true;
        break;
      case HSTS.length:
        if (name === HSTS) demandsHTTPS = true;
    }
  }
  const framing = framingOf(answer, context, length);
  const told = toldLength(answer, context, length);
  const keepAlive = context.keepAlive && framing !== "close";
  let extra = "";
  let lines = 0;
  const add = (name: string, value: string): void => {
    extra += name + ": " + value + LINE_END;
    lines++;
  };
  if (told !== length && told !== null) add(LENGTH, told);
  if (framing === "chunked") add(CODING, "chunked");
  if (!isDated) add(DATE, context.date);
  if (!demandsHTTPS) add(HSTS, `max-age=${context.hsts}`);
  if (!keepAlive && status !== 101) add("connection", "close");
  else if (context.minor === 0) add("connection", "keep-alive");
  const own = isFramed || (length !== null && told !== length)
    ? fields.filter(([name]) => name !== CODING && (name !== LENGTH || told === length))
    : fields;
  const text = responseText({ status, reasonPhrase, fields: own }, { text: extra, lines });
  // An empty body needs no more than its head.
  return { text, framing: body === null && framing === 0 ? "none" : framing, keepAlive };
}

/** Makes the octets of a head that another one follows. @throws {HeadError} for one that cannot be sent. */
export function interimHead(head: InterimHead): Uint8Array {
  const text = responseText(head, { text: "", lines: 0 });
  const octets = new Uint8Array(text.text.length);
  writeResponse(text, octets, 0);
  return octets;
}

const DATE = "date";
const LENGTH = "content-length";
const CODING = "transfer-encoding";
const HSTS = "strict-transport-security";

function framingOf(
  { status, body }: Answer,
  { method, minor }: AnswerContext,
  length: string | null,
): AnswerFraming {
  if (method === "HEAD" || status === 101 || WITHOUT_BODY.has(status)) return "none";
  if (body === null) return 0;
  if (body instanceof Uint8Array) return body.length;
  if (length !== null) return Number(length);
  return minor === 1 ? "chunked" : "close";
}

/** Returns the Content-Length that the head has; null for none. */
function toldLength(
  { status, body }: Answer,
  { method }: AnswerContext,
  length: string | null,
): string | null {
  if (status === 204 || status === 101) return null;
  // It has no body, and nothing but its length says so (RFC 9110 section 15.3.6).
  if (status === 205) return "0";
  if (body instanceof Uint8Array) return String(body.length);
  if (body !== null || method === "HEAD" || status === 304) return length;
  return "0";
}

/** Tells the time as heads do, made once a second at most. */
export class DateText {
  #second = -1;
  #text = "";

  /** Returns the text of a time in milliseconds. */
  at(time: number): string {
    const second = Math.floor(time / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = new Date(time).toUTCString();
    }
    return this.#text;
  }
}
