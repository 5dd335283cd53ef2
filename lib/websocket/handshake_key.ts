import { createHash } from "node:crypto";
import { encodeBase64 } from "@std/encoding/base64";

/** What stands behind the key of a handshake in the digest that accepts it (RFC 6455 section 1.3). */
const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Bytes of a key. */
const KEY_LENGTH = 16;

/** Makes the Sec-WebSocket-Key of a handshake (RFC 6455 section 4.1). */
export function newHandshakeKey(): string {
  return encodeBase64(crypto.getRandomValues(new Uint8Array(KEY_LENGTH)));
}

/** Returns the Sec-WebSocket-Accept for a key (RFC 6455 section 4.2.2). */
export function acceptOf(key: string): string {
  return createHash("sha1").update(key + ACCEPT_SUFFIX).digest("base64");
}
