import { dirname } from "node:path";
import { decodeBase64, encodeBase64 } from "@std/encoding/base64";
import { decodeBase64Url } from "@std/encoding/base64url";
import type { SigningKey } from "../identity/key.ts";
import { systemCode, systemReason } from "../net/system_reason.ts";

/** A key file that cannot be used; the message says what to do. */
export class KeyFileError extends Error {
  override readonly name = "KeyFileError";
  constructor(
    readonly code: "unreadable" | "not_a_key" | "no_folder" | "unwritable",
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The client's key, and what its owner should know about the file. */
export interface LoadedKey {
  readonly key: SigningKey;
  /** Whether the file was made just now. */
  readonly isNew: boolean;
  /** What is wrong with the protection of the file; null for nothing. */
  readonly warning: string | null;
}

export interface KeyFileOptions {
  readonly path: string;
  /** Makes the folder too when it is missing. */
  readonly makesFolder: boolean;
}

/** Bytes of the largest file that is read as a key; an Ed25519 key in PEM has 119. */
const MAX_KEY_FILE = 16 * 1024;

/** Mode bits that give users other than the owner access to a file. */
const OTHERS = 0o077;

/**
 * Reads the Ed25519 key (PKCS #8 PEM, RFC 8410) in a file, or makes the file, readable by its owner alone.
 *
 * @throws {KeyFileError} when the file cannot be read or written, or holds something else.
 */
export async function loadKeyFile({ path, makesFolder }: KeyFileOptions): Promise<LoadedKey> {
  const found = await readKeyFile(path);
  const { text, isNew } = found === undefined
    ? await createKeyFile(path, makesFolder)
    : { text: found, isNew: false };
  const pkcs8 = pkcs8Of(text, path);
  return { key: await importKey(pkcs8, path), isNew, warning: await warningOf(path) };
}

async function readKeyFile(path: string): Promise<string | undefined> {
  try {
    const { size, isFile, isDirectory } = await Deno.stat(path);
    if (isDirectory) throw notAKey(path, "it is a folder");
    if (!isFile || size > MAX_KEY_FILE) throw notAKey(path);
    return await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    if (cause instanceof KeyFileError) throw cause;
    const advice = systemCode(cause) === "EACCES" ? `; it has to be this user's own` : "";
    throw new KeyFileError(
      "unreadable",
      `cannot read the key ${path}: ${systemReason(cause)}${advice}`,
      { cause },
    );
  }
}

/** Makes a key file and returns its text, which is another process's when that was faster. */
async function createKeyFile(
  path: string,
  makesFolder: boolean,
): Promise<{ readonly text: string; readonly isNew: boolean }> {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new KeyFileError("unwritable", "WebCrypto made no key pair");
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  const pem = `-----BEGIN PRIVATE KEY-----\n${encodeBase64(pkcs8)}\n-----END PRIVATE KEY-----\n`;
  const draft = `${path}.${crypto.randomUUID()}`;
  try {
    if (makesFolder) await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(draft, pem, { createNew: true, mode: 0o600 });
    const isNew = await publish(draft, path);
    return { text: await Deno.readTextFile(path), isNew };
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) throw noFolder(path, cause);
    throw new KeyFileError("unwritable", `cannot make the key ${path}: ${systemReason(cause)}`, {
      cause,
    });
  }
}

/** Gives a draft its name, unless a key has it already. */
async function publish(draft: string, path: string): Promise<boolean> {
  try {
    // A link appears whole or not at all, and never in place of a key that is there.
    await Deno.link(draft, path);
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    return false;
  } finally {
    await Deno.remove(draft);
  }
}

function pkcs8Of(text: string, path: string): Uint8Array<ArrayBuffer> {
  const match = /-----BEGIN PRIVATE KEY-----([\sA-Za-z0-9+/=]+)-----END PRIVATE KEY-----/.exec(
    text,
  );
  const base64 = match?.[1]?.replaceAll(/\s/g, "");
  if (base64 === undefined) throw notAKey(path, kindOf(text));
  try {
    return decodeBase64(base64);
  } catch (cause) {
    throw notAKey(path, null, cause);
  }
}

async function importKey(pkcs8: Uint8Array<ArrayBuffer>, path: string): Promise<SigningKey> {
  try {
    const readable = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
    const { x } = await crypto.subtle.exportKey("jwk", readable);
    if (x === undefined) throw new TypeError("the key has no public half");
    const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
    return { privateKey, publicKey: decodeBase64Url(x) };
  } catch (cause) {
    throw notAKey(path, "it is cut, or a key of another kind", cause);
  }
}

async function warningOf(path: string): Promise<string | null> {
  const { mode } = await Deno.stat(path);
  // Windows has no such mode; there the folder of the user protects the file.
  if (mode === null || Deno.build.os === "windows" || (mode & OTHERS) === 0) return null;
  return `the key ${path} can be read by others; run: chmod 600 ${path}`;
}

/** Recognizes what people take for such a key, by the label of its PEM (RFC 7468); null for nothing that is known. */
function kindOf(text: string): string | null {
  const [, label = ""] = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text) ?? [];
  return KINDS.get(label) ?? (label === "" ? null : `it says ${label}`);
}

const KINDS: ReadonlyMap<string, string> = new Map([
  ["OPENSSH PRIVATE KEY", "it is a key of OpenSSH's own form"],
  ["ENCRYPTED PRIVATE KEY", "it is encrypted"],
  ["RSA PRIVATE KEY", "it is an RSA key"],
  ["EC PRIVATE KEY", "it is an ECDSA key"],
  ["PUBLIC KEY", "it is a public key"],
  ["CERTIFICATE", "it is a certificate"],
]);

function notAKey(path: string, seen: string | null = null, cause?: unknown): KeyFileError {
  return new KeyFileError(
    "not_a_key",
    `the key ${path} is not an Ed25519 private key in PKCS #8 PEM${
      seen === null ? "" : ` (${seen})`
    }; name a file in --key that is not there yet, and it is made`,
    { cause },
  );
}

function noFolder(path: string, cause: unknown): KeyFileError {
  const folder = dirname(path);
  return new KeyFileError(
    "no_folder",
    `cannot make the key ${path}: there is no folder ${folder}; make it (mkdir -p), or check --key`,
    { cause },
  );
}
