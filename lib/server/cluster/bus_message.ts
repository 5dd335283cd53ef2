import { decodeHex, encodeHex } from "@std/encoding/hex";
import { uint32At, writeUint32 } from "../../wire/frame.ts";

/** What a message between two nodes is for. */
export const BusMessageKind = {
  /** Asks for a connection; the payload is the id of the node that asks. */
  Open: 1,
  /** Grants it. */
  Accept: 2,
  /** A transport message, or its last part. */
  Data: 3,
  /** A part of a transport message that more parts follow. */
  Part: 4,
  /** Nothing but what was consumed. */
  Consumed: 5,
  /** Ends the connection; the payload is the reason. */
  Close: 6,
} as const;

export type BusMessageKind = typeof BusMessageKind[keyof typeof BusMessageKind];

/** A message of one of the connections between two nodes. */
export interface BusMessage {
  readonly kind: number;
  /** Which connection, in hexadecimal. */
  readonly connection: string;
  /** Counts the messages that one side sends on a connection, from 0, modulo 2^32. */
  readonly sequence: number;
  /** Bytes of payload that the sender has taken of the other side's, since the beginning, modulo 2^32. */
  readonly consumed: number;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** Bytes that identify a connection: random, so that no two are ever the same. */
const CONNECTION_LENGTH = 16;

/** Bytes in front of a payload: kind u8, connection, sequence u32, consumed u32. */
const HEADER_LENGTH = 1 + CONNECTION_LENGTH + 4 + 4;

/** Returns an id for a new connection. */
export function newConnectionId(): string {
  return encodeHex(crypto.getRandomValues(new Uint8Array(CONNECTION_LENGTH)));
}

/** Encodes a message, copying its payload. */
export function encodeBusMessage(message: BusMessage): Uint8Array<ArrayBuffer> {
  const { kind, connection, sequence, consumed, payload } = message;
  const bytes = new Uint8Array(HEADER_LENGTH + payload.length);
  bytes[0] = kind;
  bytes.set(decodeHex(connection), 1);
  writeUint32(bytes, 1 + CONNECTION_LENGTH, sequence);
  writeUint32(bytes, 1 + CONNECTION_LENGTH + 4, consumed);
  bytes.set(payload, HEADER_LENGTH);
  return bytes;
}

/** Decodes a message; undefined for one that no node sends. The payload is a view of it. */
export function decodeBusMessage(bytes: Uint8Array<ArrayBuffer>): BusMessage | undefined {
  const kind = bytes[0] ?? 0;
  if (bytes.length < HEADER_LENGTH || kind < 1 || kind > BusMessageKind.Close) return undefined;
  return {
    kind,
    connection: encodeHex(bytes.subarray(1, 1 + CONNECTION_LENGTH)),
    sequence: uint32At(bytes, 1 + CONNECTION_LENGTH),
    consumed: uint32At(bytes, 1 + CONNECTION_LENGTH + 4),
    payload: bytes.subarray(HEADER_LENGTH),
  };
}
