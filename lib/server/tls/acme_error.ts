/** Says why an authority gives no certificate, in a sentence for the operator. */
export class ACMEError extends Error {
  override readonly name = "ACMEError";
  /** The last part of the problem's type (RFC 8555 section 6.7); `unreachable` and `unexpected` are this side's own. */
  readonly code: string;
  /** Milliseconds in which the authority wants no other attempt; null when it does not say. */
  readonly retryAfter: number | null;

  constructor(
    message: string,
    { code, retryAfter = null, cause }: {
      readonly code: string;
      readonly retryAfter?: number | null;
      readonly cause?: unknown;
    },
  ) {
    super(message, { cause });
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** Reads Retry-After (RFC 9110 section 10.2.3) as milliseconds; null without one that can be read. */
export function retryAfterOf(headers: Headers, now: Date = new Date()): number | null {
  const value = headers.get("retry-after")?.trim() ?? "";
  if (/^[0-9]{1,9}$/.test(value)) return Number(value) * 1000;
  const time = Date.parse(value);
  return Number.isNaN(time) ? null : Math.max(0, time - now.getTime());
}
