import { encodeBase64 } from "@std/encoding/base64";

/** Writes bytes as PEM with lines of 64 characters (RFC 7468 section 2), as openssl does. */
export function pem(label: string, bytes: Uint8Array): string {
  const lines = encodeBase64(bytes).match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/** Makes a private key of another kind than a tunnel's, as PKCS #8 in PEM. */
export async function foreignKey(
  algorithm: RsaHashedKeyGenParams | EcKeyGenParams | "X25519",
): Promise<string> {
  const usages: KeyUsage[] = algorithm === "X25519" ? ["deriveBits"] : ["sign", "verify"];
  const pair = await crypto.subtle.generateKey(algorithm, true, usages);
  if (!("privateKey" in pair)) throw new TypeError("these keys come in pairs");
  return pem(
    "PRIVATE KEY",
    new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey)),
  );
}
