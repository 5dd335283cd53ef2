/** The statuses of answers to a malformed request, and to one that is not served here. */
export type RequestErrorStatus = 400 | 408 | 414 | 431 | 501 | 505;

/** Says why a request is refused before anybody sees it. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly code = "REFUSED_REQUEST";

  /** Makes one; the message is a clause for the visitor. */
  constructor(readonly status: RequestErrorStatus, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}
