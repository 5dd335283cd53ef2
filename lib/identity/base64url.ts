import { decodeBase64Url, encodeBase64Url } from "@std/encoding/base64url";

/** Decodes base64url without padding (RFC 4648 section 5); only the one canonical text of some bytes is accepted. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const bytes = decodeBase64Url(text);
    return encodeBase64Url(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}
