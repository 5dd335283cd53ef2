import { encodeBase64 } from "@std/encoding/base64";
import { hashPassword, type PasswordHash } from "../../lib/identity/password_hash.ts";
import type { RawField } from "./message_head.ts";

/** Makes what a client tells the server of a password. */
export async function passwordHash(user: string, password: string): Promise<PasswordHash> {
  return await hashPassword({ user, password });
}

/** Writes the field that presents user and password, as UTF-8 (RFC 7617). */
export function authorization(credentials: string): RawField {
  return ["authorization", `Basic ${encodeBase64(credentials)}`];
}
