/** What went wrong between this client and the origin. */
export type OriginErrorCode =
  /** Nothing listens there. */
  | "refused"
  /** No connection could be made for another reason. */
  | "unreachable"
  /** TLS with it did not come about, be it for its certificate. */
  | "tls"
  /** The answer breaks the rules of RFC 9112, or the request would. */
  | "malformed"
  /** The connection ended before the answer did. */
  | "cut"
  /** The origin did not take the connection in time. */
  | "timeout"
  /** This side gave the exchange up. */
  | "aborted";

/** Tells why an exchange with the origin failed. */
export class OriginError extends Error {
  override readonly name = "OriginError";
  readonly code: OriginErrorCode;

  constructor(code: OriginErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
