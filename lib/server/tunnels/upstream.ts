import type { Field } from "../../wire/head.ts";
import type { HeadFrame } from "../../mux/pending_heads.ts";
import type { Stream } from "../../mux/stream.ts";

/** A stream that was opened, and the promise of its response head. */
export interface Exchange {
  readonly stream: Stream;
  /** Rejects with a StreamError or a SessionError. */
  readonly response: Promise<HeadFrame>;
}

/** What of a public request decides whether it is let through. */
export interface Asking {
  /** The visitor's own address. */
  readonly address: string;
  readonly fields: readonly Field[];
}

/** Why a request is not let through, as a visitor is told. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly fields: readonly Field[];
}

/** Says that an upstream has the tunnel no more, and did nothing with a request: another one may have it by now. */
export class MovedError extends Error {
  override readonly name = "MovedError";
  readonly code = "MOVED";
}

/** Whatever can open a stream to a tunnel's client: a connection of that client here, or another node. */
export interface Upstream {
  /** Says why a request is not let through, and null when it is. */
  admit(asking: Asking): Refusal | null | Promise<Refusal | null>;
  /**
   * Opens a stream with an HTTPRequest or a WSRequest for the visitor at `address`; `end` says that no body follows.
   *
   * @throws {StreamError} `Refused` when it takes no new streams.
   */
  open(type: number, head: Uint8Array, end: boolean, address: string): Exchange;
}

/** Why nothing can be opened for a hostname: its client is away, has all the streams that it may, or never was here. */
export type Unavailable = "away" | "busy" | "unknown";
