/** The close codes that are used here (RFC 6455 section 7.4.1; the last three were registered later). */
export const CloseCode = {
  Normal: 1000,
  GoingAway: 1001,
  Protocol: 1002,
  /** Stands for a close frame without a code, and is never sent. */
  NoStatus: 1005,
  /** Stands for an end without a close frame, and is never sent. */
  Abnormal: 1006,
  /** A text that is not UTF-8. */
  InvalidPayload: 1007,
  TooBig: 1009,
  Internal: 1011,
  ServiceRestart: 1012,
  TryAgainLater: 1013,
  /** What stands behind a gateway failed. */
  BadGateway: 1014,
} as const;

/** How one side closed a WebSocket, or how its connection ended. */
export interface Close {
  readonly code: number;
  readonly reason: string;
}

/** Whether a close frame may carry a code (RFC 6455 section 7.4, and the registry of section 11.7). */
export function maySendCode(code: number): boolean {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
    (code >= 3000 && code <= 4999);
}

/** Closes that nobody is to blame for: a stop, a restart, a lost connection. */
const BLAMELESS: ReadonlySet<number> = new Set([
  CloseCode.Normal,
  CloseCode.GoingAway,
  CloseCode.NoStatus,
  CloseCode.Abnormal,
  CloseCode.ServiceRestart,
  CloseCode.TryAgainLater,
  CloseCode.BadGateway,
]);

/** Whether a close code says that one of the two sides broke a rule, or failed. */
export function isFault(code: number): boolean {
  return !BLAMELESS.has(code);
}

/** Tells how a connection ended: by the reason that the peer gave, or else by its close code. */
export function closeText(code: number, reason: string): string {
  if (reason !== "") return reason;
  return code === CloseCode.Abnormal
    ? "the connection was cut"
    : `the connection was closed (${code})`;
}

/** Returns the payload of a close frame (RFC 6455 section 5.5.1). */
export function closePayload(code: number, reason: string): Uint8Array {
  if (code === CloseCode.NoStatus) return NOTHING;
  const text = encoder.encode(reason);
  const payload = new Uint8Array(2 + text.length);
  payload.set([code >>> 8, code & 0xff]);
  payload.set(text, 2);
  return payload;
}

const NOTHING = new Uint8Array(0);

const encoder = new TextEncoder();
