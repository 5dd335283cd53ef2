import { decodeBase64, encodeBase64 } from "@std/encoding/base64";
import { decodeBase64Url } from "@std/encoding/base64url";
import type { SigningKey } from "./key.ts";

/** A text that is not a client's key; the message says what is seen, or nothing. */
export class KeyPEMError extends Error {
  override readonly name = "KeyPEMError";
  readonly code = "not_a_key";
}

/** Whether a text is PEM (RFC 7468), of whatever kind, and not the path of a file. */
export function isPEM(text: string): boolean {
  return text.includes("-----BEGIN ");
}

/** Makes an Ed25519 key and returns it as PKCS #8 in PEM (RFC 8410). */
export async function makeKeyPEM(): Promise<string> {
  const { privateKey } = await generatePair(true);
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
  return `-----BEGIN PRIVATE KEY-----\n${encodeBase64(pkcs8)}\n-----END PRIVATE KEY-----\n`;
}

/** Reads an Ed25519 key from PKCS #8 in PEM (RFC 8410). @throws {KeyPEMError} for anything else. */
export async function readKeyPEM(text: string): Promise<SigningKey> {
  const pkcs8 = pkcs8Of(text);
  try {
    const readable = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
    const { x } = await crypto.subtle.exportKey("jwk", readable);
    if (x === undefined) throw new TypeError("the key has no public half");
    const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
    return { privateKey, publicKey: decodeBase64Url(x) };
  } catch (cause) {
    throw new KeyPEMError("it is cut, or a key of another kind", { cause });
  }
}

/** Makes a key that lives as long as this process. */
export async function makeSigningKey(): Promise<SigningKey> {
  return await signingKeyOf(await generatePair(false));
}

/** Takes a key pair of WebCrypto. @throws {KeyPEMError} for one of another kind, or that cannot sign. */
export async function signingKeyOf(
  { privateKey, publicKey }: CryptoKeyPair,
): Promise<SigningKey> {
  const { algorithm, usages } = privateKey;
  if (algorithm.name !== "Ed25519") throw new KeyPEMError(`it is of ${algorithm.name}`);
  if (!usages.includes("sign")) throw new KeyPEMError("its private half may not sign");
  try {
    const raw = await crypto.subtle.exportKey("raw", publicKey);
    return { privateKey, publicKey: new Uint8Array(raw) };
  } catch (cause) {
    throw new KeyPEMError("its public half cannot be read", { cause });
  }
}

async function generatePair(isExtractable: boolean): Promise<CryptoKeyPair> {
  const pair = await crypto.subtle.generateKey("Ed25519", isExtractable, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new TypeError("WebCrypto made no key pair");
  return pair;
}

function pkcs8Of(text: string): Uint8Array<ArrayBuffer> {
  const [, content] = PRIVATE_KEY.exec(text) ?? [];
  if (content === undefined) throw new KeyPEMError(kindOf(text));
  try {
    return decodeBase64(content.replaceAll(/\s/g, ""));
  } catch (cause) {
    throw new KeyPEMError("", { cause });
  }
}

const PRIVATE_KEY = /-----BEGIN PRIVATE KEY-----([\sA-Za-z0-9+/=]+)-----END PRIVATE KEY-----/;

/** Recognizes what people take for such a key, by the label of its PEM (RFC 7468); empty for nothing that is known. */
function kindOf(text: string): string {
  const [, label = ""] = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text) ?? [];
  return KINDS.get(label) ?? (label === "" ? "" : `it says ${label}`);
}

const KINDS: ReadonlyMap<string, string> = new Map([
  ["OPENSSH PRIVATE KEY", "it is a key of OpenSSH's own form"],
  ["ENCRYPTED PRIVATE KEY", "it is encrypted"],
  ["RSA PRIVATE KEY", "it is an RSA key"],
  ["EC PRIVATE KEY", "it is an ECDSA key"],
  ["PUBLIC KEY", "it is a public key"],
  ["CERTIFICATE", "it is a certificate"],
]);
