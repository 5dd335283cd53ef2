import { StreamError } from "./errors.ts";
import { MAX_REASON_LENGTH } from "./limits.ts";

/**
 * What a Disconnect wants, by the value of drain on the wire: 0 closes the session, 1 drains it (no new streams, those
 * that are open may finish), 2 is a GOAWAY (the peer should go elsewhere, while new streams may still come).
 */
const KINDS = ["close", "drain", "goaway"] as const;

/** The payload of a Disconnect. */
export interface DisconnectReason {
  readonly code: number;
  readonly kind: typeof KINDS[number];
  readonly reason: string;
}

/** Encodes a Disconnect: code u16, drain u8, reason in UTF-8. */
export function encodeDisconnect({ code, kind, reason }: DisconnectReason): Uint8Array {
  return withReason([code >> 8, code & 0xff, KINDS.indexOf(kind)], reason);
}

/** Decodes a Disconnect; the codec has checked that its three bytes are there. */
export function decodeDisconnect(payload: Uint8Array): DisconnectReason {
  const [high = 0, low = 0, drain = 0] = payload;
  const kind = KINDS[drain] ?? "close";
  return { code: (high << 8) | low, kind, reason: textOf(payload.subarray(3)) };
}

/** Encodes a Reset or a WSTeardown: code u16, reason in UTF-8. */
export function encodeReset(code: number, reason: string): Uint8Array {
  return withReason([code >> 8, code & 0xff], reason);
}

/** Decodes a Reset or a WSTeardown. */
export function decodeReset(
  payload: Uint8Array,
): { readonly code: number; readonly reason: string } {
  const [high = 0, low = 0] = payload;
  return { code: (high << 8) | low, reason: textOf(payload.subarray(2)) };
}

/** Returns the error that a peer's Reset means for the stream. */
export function resetError(payload: Uint8Array): StreamError {
  const { code, reason } = decodeReset(payload);
  return new StreamError(code, reason === "" ? "the peer reset the stream" : reason);
}

function withReason(prefix: readonly number[], reason: string): Uint8Array {
  const buffer = new Uint8Array(prefix.length + MAX_REASON_LENGTH);
  buffer.set(prefix);
  // encodeInto never cuts a character in two.
  const { written } = new TextEncoder().encodeInto(reason, buffer.subarray(prefix.length));
  return buffer.subarray(0, prefix.length + written);
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
