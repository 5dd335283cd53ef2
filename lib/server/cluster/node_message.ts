import { uint32At, writeUint32 } from "../../wire/frame.ts";
import { isNodeId, MAX_NODE_ID } from "../bus/bus_limits.ts";

/** A question of one node to another, or the answer to it. */
export interface NodeMessage {
  readonly kind: "question" | "answer";
  /** Counts the questions of the node that asks, from 1. */
  readonly sequence: number;
  /** The node that has sent it. */
  readonly from: string;
  readonly sealed: Uint8Array<ArrayBuffer>;
}

/** The kinds by their first octet. */
const KINDS = ["question", "answer"] as const;

/** Octets in front of a node's id: kind u8, sequence u32, length of the id u8. */
const START = 6;

/** Encodes a message, copying what is sealed. */
export function encodeNodeMessage(
  { kind, sequence, from, sealed }: NodeMessage,
): Uint8Array<ArrayBuffer> {
  const id = new TextEncoder().encode(from);
  const bytes = new Uint8Array(START + id.length + sealed.length);
  bytes[0] = KINDS.indexOf(kind);
  writeUint32(bytes, 1, sequence);
  bytes[START - 1] = id.length;
  bytes.set(id, START);
  bytes.set(sealed, START + id.length);
  return bytes;
}

/** Decodes a message; undefined for one that no node sends. What is sealed is a view of it. */
export function decodeNodeMessage(bytes: Uint8Array<ArrayBuffer>): NodeMessage | undefined {
  const kind = KINDS[bytes[0] ?? KINDS.length];
  const length = bytes[START - 1] ?? 0;
  if (kind === undefined || length > MAX_NODE_ID || bytes.length < START + length) return undefined;
  const from = new TextDecoder().decode(bytes.subarray(START, START + length));
  if (!isNodeId(from)) return undefined;
  return { kind, sequence: uint32At(bytes, 1), from, sealed: bytes.subarray(START + length) };
}
