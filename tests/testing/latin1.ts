import { Buffer } from "node:buffer";

/** Turns text into bytes, one for each Latin-1 character, so that a test can write any byte there is. */
export function toBytes(data: string | Uint8Array): Uint8Array {
  return typeof data === "string" ? Buffer.from(data, "latin1") : data;
}

/** Turns bytes into text, one Latin-1 character for each, so that nothing is lost or replaced. */
export function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
