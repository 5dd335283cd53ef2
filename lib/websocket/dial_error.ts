import { ErrorCode, SessionError } from "../wire/errors.ts";
import type { TLSFault } from "../net/tls_failure.ts";

/** How far a dial came, and what stopped it. */
export type DialFailure =
  /** There is no connection: a name without an address, a port that nothing listens on. */
  | { readonly kind: "unreachable"; readonly code: string }
  /** Nothing came in time: from nowhere (`connection`), or from what accepted the connection (`answer`). */
  | { readonly kind: "late"; readonly step: "connection" | "answer" }
  /** A proxy leads nowhere: with the status that it answered, null for another fault. */
  | { readonly kind: "proxy"; readonly status: number | null }
  | { readonly kind: "tls"; readonly fault: TLSFault }
  /** The peer speaks TLS on this port. */
  | { readonly kind: "wants_tls" }
  /** A status other than 101; `location` is where it sends to, null for nowhere. */
  | { readonly kind: "status"; readonly status: number; readonly location: URL | null }
  /** A status 101 that opens no WebSocket, or one of another subprotocol, which may be another version of the wanted one. */
  | { readonly kind: "wrong_answer"; readonly isOtherVersion: boolean }
  /** Bytes that are not HTTP/1.1. */
  | { readonly kind: "not_http" }
  /** The connection was closed before there was an answer. */
  | { readonly kind: "cut" };

/** Says why no WebSocket was opened: the message is a clause about the server, which it calls "it". */
export class DialError extends SessionError {
  constructor(readonly failure: DialFailure, message: string, options?: ErrorOptions) {
    super(ErrorCode.GoingAway, message, options);
  }
}
