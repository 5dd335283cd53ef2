import type { Field } from "../../http/fields.ts";
import type { MessageSocket } from "../../websocket/bridge.ts";

/** One request of a visitor, by any listener: what it asks, how it came, and the ways to answer it. */
export interface Visit {
  readonly method: string;
  /** In origin-form or asterisk-form (RFC 9112 section 3.2), each octet as it came. */
  readonly target: string;
  /** Of the target URI, in lower case: what the visitor says, while `listeningSocket` knows what is spoken. */
  readonly scheme: string;
  /** Of the target URI: what an absolute-form names, and else the host. */
  readonly authority: string;
  /** What Host says, or `:authority` in its place; null when neither came. */
  readonly host: string | null;
  /** Names in lower case, values in Latin-1, in the order in which they came. */
  readonly fields: readonly Field[];
  /** Whether the visitor takes trailers (RFC 9110 section 10.1.4), by a listener that can send them. */
  readonly takesTrailers: boolean;
  /** How much body follows the head. */
  readonly framing: RequestFraming;
  /** The other end of its connection. */
  readonly peer: RemoteAddress;
  /** The socket that its connection was accepted by. */
  readonly listeningSocket: ListeningSocket;
  /** When it came, by `performance.now()`. */
  readonly started: number;

  /** The visitor's own address: the peer's, until the request handler has read what a trusted proxy says. */
  address: string;
  /** The hostname of the tunnel that it is for; null until that is known, and for the server's own pages. */
  tunnel: string | null;
  /** Bytes of body, or of messages, that were sent to the visitor. */
  sent: number;

  /**
   * Tells whether there is a body where `framing` leaves that open: false when its end is here already, and true when
   * it begins, or when neither has come yet.
   */
  bodyBegins(): Promise<boolean>;
  /** Returns what reads the body, the same at each call, where there is one. */
  readBody(): BodyReader;
  /** Takes care of a body that nobody wants, so that the visitor can read its answer. */
  dropBody(): void;
  /** Sends a head that another one follows (RFC 9110 section 15.2), where listener and visitor know such. */
  sendInterim(head: InterimHead): void;
  /** Leaves it to the origin whether a body is asked for that the visitor holds back, where the listener can. */
  leaveContinue(): void;
  /** Tells the watcher when the visitor goes before its answer has begun. */
  watch(watcher: VisitWatcher): Watch;
  /**
   * Accepts the visitor's handshake (RFC 6455 section 4.2.2) and returns its WebSocket, which is yet to open. A status
   * of 101 must answer the visit then. One close event tells of its end, also when it never opens.
   *
   * @throws {StreamError} `Protocol` for a subprotocol that was not offered.
   * @throws {TypeError} for a handshake that the listener does not take.
   */
  accept(options: AcceptOptions): MessageSocket;
}

/** What comes before an answer. */
export interface InterimHead {
  /** 100 to 199, and not 101. */
  readonly status: number;
  readonly fields: readonly Field[];
}

/** Is told that a visitor has gone. */
export interface VisitWatcher {
  /** Called once at most. */
  leave(): void;
}

/** A watch over a visitor. */
export interface Watch {
  /** Ends it, also when it has told already. */
  end(): void;
}

/** Answers each visit of a listener. */
export interface VisitHandler {
  handle(visit: Visit): Answer | Promise<Answer>;
  /** Answers for a visit that failed by a mistake of the server's own. */
  failed(visit: Visit, error: unknown): Answer;
}

/** A response: its head, and the body that follows it. */
export interface Answer {
  readonly status: number;
  /** For visitors of a listener that sends it. @default the one that the status usually has */
  readonly reasonPhrase?: string;
  readonly fields: readonly Field[];
  /** All of it, of which HEAD is told the length alone, or what it is read from as the visitor takes it; null for none. */
  readonly body: Uint8Array<ArrayBuffer> | BodySource | null;
  /** Why the server answers in the place of an origin; not there when it does not. */
  readonly code?: AnswerCode;
}

/** Final statuses whose answers end with their head (RFC 9110 section 6.4.1). */
export const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** What answers a visit whose WebSocket was accepted. */
export const SWITCHING_PROTOCOLS: Answer = { status: 101, fields: [], body: null };

/** Why the server answers in the place of an origin: stable words for the access log and the owner of a tunnel. */
export type AnswerCode =
  /** What a tunnel's owner wants, or what it may have. */
  | "address"
  | "auth"
  /** A visitor has logged in. */
  | "login"
  | "rate"
  | "streams"
  | "visitor"
  | "websockets"
  /** The request is too long or too slow, or cannot be carried. */
  | "head"
  | "body"
  | "idle"
  | "get-body"
  | "request"
  /** There is no client, or it goes. */
  | "away"
  | "busy"
  | "moved"
  | "restart"
  | "unknown"
  /** The origin fails. */
  | "timeout"
  | "unreachable"
  | "malformed"
  | "cut"
  | "failed"
  /** The server itself has no such page, takes no such client, or fails. */
  | "page"
  | "client"
  | "internal";

/** A body that is read piece by piece. */
export interface BodySource {
  /**
   * Returns the next piece, null at the end, or a promise of it.
   *
   * @throws {Error} when it was cut before its end, which the visitor must see.
   */
  read(): BodyPiece | null | Promise<BodyPiece | null>;
  /** Says that the visitor has left and takes no more. */
  cancel(): void;
  /** The fields behind it, once it has ended, for visitors whose listener and framing can send them. @default none */
  readonly trailers?: readonly Field[] | null;
}

export interface BodyPiece {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Reads a request's body; a piece is good until the next one is asked for. */
export interface BodyReader
  extends Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel"> {
  /** The fields behind it, once it has ended, where the listener can tell. @default none */
  readonly trailers?: readonly Field[] | null;
}

/** How much body a request brings, or why it cannot be carried. */
export type RequestFraming =
  | { readonly kind: "none" }
  /** `length` in bytes as announced, null when the end is seen only when it comes. */
  | { readonly kind: "body"; readonly length: number | null }
  /** Only what comes, or the end, tells whether there is one (RFC 9113 section 8.1). */
  | { readonly kind: "unannounced" }
  | {
    readonly kind: "refused";
    readonly code: "get-body" | "request";
    readonly status: 400 | 501;
    readonly reason: string;
  };

/** The other end of a connection. */
export interface RemoteAddress {
  /** An address, IPv6 without brackets. */
  readonly hostname: string;
  readonly port: number;
}

/** The socket that accepted a connection; what becomes of it may change meanwhile. */
export interface ListeningSocket {
  /** What it speaks. */
  readonly scheme: "http" | "https";
  /** Another one has taken its place, and what lasts should go there. */
  readonly isRetired: boolean;
}

export interface AcceptOptions {
  /** The subprotocol that was chosen (RFC 6455 section 1.9). @default none */
  readonly protocol?: string | undefined;
  /** Seconds of silence after which a peer that answers no ping is given up; 0 for never, and no pings. */
  readonly idleTimeout: number;
  /** The socket is open: it can be written to. A socket that never opens tells only that it is closed. */
  readonly onOpen: () => void;
}

/** What became of a visit. */
export interface Outcome {
  /** The status of its answer. */
  readonly status: number;
  /** Why the server answered in the place of an origin; null when it did not. */
  readonly code: AnswerCode | null;
  /** Milliseconds from the visit to the head of its answer. */
  readonly headTime: number;
  /** Milliseconds from the visit to the end of its answer, or of its WebSocket. */
  readonly time: number;
}

/** Is told what became of the visits to a server. */
export interface RequestObserver {
  /** Called once for each visit, when its answer is over: whole, cut, or left by the visitor. */
  finished(visit: Visit, outcome: Outcome): void;
}
