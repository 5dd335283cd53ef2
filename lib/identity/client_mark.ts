import { encodeBase64Url } from "@std/encoding/base64url";
import type { SigningKey } from "./key.ts";

/** What tells the clients of one tunnel apart, which have the same key and label. */
export interface ClientMark {
  /** Random, and the same for all connections of one client. */
  readonly client: string;
  /** The same for clients that serve the same; empty when it is not known what they serve. */
  readonly service: string;
}

/** Bytes of a client's part: two that are equal by chance would count as one client. */
const CLIENT_LENGTH = 16;

/** The form of each part, in base64url: 32 bytes have 43 characters. */
const MARK = /^[A-Za-z0-9_-]{1,43}$/;

/**
 * Makes the mark of a client that serves what `serves` names, such as an origin; empty for what has no name.
 *
 * A server learns whether two clients of one key serve the same. What that is it could only guess, and for each key anew.
 */
export async function newClientMark(
  serves: string,
  { publicKey }: SigningKey,
): Promise<ClientMark> {
  const client = encodeBase64Url(crypto.getRandomValues(new Uint8Array(CLIENT_LENGTH)));
  if (serves === "") return { client, service: "" };
  const bytes = new Uint8Array([...publicKey, ...new TextEncoder().encode(serves)]);
  return { client, service: encodeBase64Url(await crypto.subtle.digest("SHA-256", bytes)) };
}

/** Whether a value may be a part of a mark. */
export function isMark(value: unknown): value is string {
  return typeof value === "string" && MARK.test(value);
}
