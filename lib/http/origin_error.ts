/**
 * Says what went wrong between this client and the origin: nothing listens (`refused`), no way there
 * (`unreachable`), a message that breaks the rules of RFC 9112, theirs or the one to be sent
 * (`malformed`), a connection that ended too early (`cut`), an origin that did not take the connection
 * in time (`timeout`), an exchange that this side gave up (`aborted`).
 */
export type OriginErrorCode =
  | "refused"
  | "unreachable"
  | "malformed"
  | "cut"
  | "timeout"
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
