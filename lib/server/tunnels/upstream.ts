import type { Field } from "../../http/fields.ts";
import type { RequestHead } from "../../http/head.ts";
import { FrameType } from "../../wire/frame.ts";
import type { OpenedStream } from "../../mux/stream.ts";
import type { AnswerCode, BodyReader } from "../listen/visit.ts";

/** What of a public request decides whether it is let through. */
export interface Asking {
  /** The visitor's own address. */
  readonly address: string;
  /** What Host says; null where nothing does. */
  readonly host: string | null;
  readonly method: string;
  readonly target: string;
  readonly fields: readonly Field[];
  /** Returns what reads the body, where there is one. */
  readBody(): BodyReader;
}

/** What opens a stream to a tunnel's client. */
export interface Opening {
  readonly kind: "http" | "websocket";
  readonly head: RequestHead;
  /** Whether a body, or messages, follow the head. */
  readonly hasBody: boolean;
  /** The visitor's own address. */
  readonly visitor: string;
}

/** Why a request is not let through, as a visitor is told. */
export interface VisitRefusal {
  readonly code: AnswerCode;
  readonly status: number;
  /** The main clause of a sentence. */
  readonly reason: string;
  /** Of the answer, beside the usual ones. @default none */
  readonly fields?: readonly Field[];
  /** What is asked for on the page; without it there is nothing to answer. @default nothing */
  readonly login?: LoginForm;
}

/** Where a visitor may log in. */
export interface LoginForm {
  /** The path that takes the form. */
  readonly action: string;
  /** The path that is shown afterwards. */
  readonly wanted: string;
}

/** Seconds after which a visitor that found no room may try again: most streams end sooner. */
const RETRY_AFTER = 1;

/** The field of a refusal that says so (RFC 9110 section 10.2.3). */
export const RETRY_SOON: Field = ["retry-after", String(RETRY_AFTER)];

/** Says that an upstream has the tunnel no more, and did nothing with a request: another one may have it by now. */
export class MovedError extends Error {
  override readonly name = "MovedError";
  readonly code = "MOVED";
}

/** Opens streams to a tunnel's client: a connection of that client here, or another node. */
export interface Upstream {
  /** Bytes that the body of a request may have here; null for what the server says. */
  readonly maxBody: number | null;
  /** Whether what is there says itself, by a 100, that it wants a body (RFC 9110 section 10.1.1). */
  readonly tellsContinue: boolean;
  /** Says why a request is not let through, and null when it is. */
  admit(asking: Asking): VisitRefusal | null | Promise<VisitRefusal | null>;
  /**
   * Opens a stream; heads travel as values and are encoded once, behind this.
   *
   * @throws {MovedError} when it takes no new streams, and another search may find where they go.
   * @throws {StreamError} `Protocol` or `TooLarge` for a head that cannot be sent.
   */
  open(opening: Opening): OpenedStream;
}

/** Why a hostname has no client: it was lost a moment ago and may come back, is gone for now, or never was here. */
export type Absence = "away" | "gone" | "unknown";

/** Why nothing can be opened for a hostname: there is no client, or it has all the streams that it may. */
export type Unavailable = Absence | "busy";

/**
 * Milliseconds after the loss of a tunnel in which requests wait for it: a client tries every 10 s at least, and one that
 * is not back after a few attempts has stopped or lies with a closed lid.
 */
export const AWAITED_FOR = 60_000;

/** Returns the type of the frame that opens such a stream. */
export function frameTypeOf(kind: Opening["kind"]): number {
  return kind === "http" ? FrameType.HTTPRequest : FrameType.WSRequest;
}
