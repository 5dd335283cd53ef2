import { dirname } from "node:path";
import { decodeBase64, encodeBase64 } from "@std/encoding/base64";
import { decodeBase64Url } from "@std/encoding/base64url";
import { messageOf } from "../cli/safe_text.ts";
import type { SigningKey } from "../identity/key.ts";

/** A key file that cannot be used; the message says what to do. */
export class KeyFileError extends Error {
  override readonly name = "KeyFileError";
  constructor(
    readonly code: "unreadable" | "not_a_key" | "unwritable",
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The client's key, and a warning when its file is not well protected. */
export interface LoadedKey {
  readonly key: SigningKey;
  readonly warning: string | null;
}

/** Bytes of the largest file that is read as a key; an Ed25519 key in PEM has 119. */
const MAX_KEY_FILE = 16 * 1024;

/** Mode bits that give users other than the owner access to a file. */
const OTHERS = 0o077;

/**
 * Reads the Ed25519 key (PKCS #8 PEM, RFC 8410) at `path`, or makes one there, readable by its owner alone.
 *
 * @throws {KeyFileError} when the file cannot be read or written, or holds something else.
 */
export async function loadKeyFile(path: string): Promise<LoadedKey> {
  const text = await readKeyFile(path) ?? await createKeyFile(path);
  const pkcs8 = pkcs8Of(text, path);
  return { key: await importKey(pkcs8, path), warning: await warningOf(path) };
}

async function readKeyFile(path: string): Promise<string | undefined> {
  try {
    const { size, isFile, isDirectory } = await Deno.stat(path);
    if (isDirectory) {
      throw new KeyFileError("not_a_key", `the key ${path} is a directory, not a PEM file`);
    }
    if (!isFile || size > MAX_KEY_FILE) {
      throw new KeyFileError("not_a_key", `the key ${path} is not a PEM file`);
    }
    return await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    if (cause instanceof KeyFileError) throw cause;
    throw new KeyFileError("unreadable", `cannot read the key ${path}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** Makes a key file and returns its text, which is another process's when that was faster. */
async function createKeyFile(path: string): Promise<string> {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new KeyFileError("unwritable", "WebCrypto made no key pair");
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  const pem = `-----BEGIN PRIVATE KEY-----\n${encodeBase64(pkcs8)}\n-----END PRIVATE KEY-----\n`;
  const draft = `${path}.${crypto.randomUUID()}`;
  try {
    await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(draft, pem, { createNew: true, mode: 0o600 });
    try {
      // A link appears whole or not at all, and never in place of a key that is there.
      await Deno.link(draft, path);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    } finally {
      await Deno.remove(draft);
    }
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw new KeyFileError("unwritable", `cannot make the key ${path}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function pkcs8Of(text: string, path: string): Uint8Array<ArrayBuffer> {
  const match = /-----BEGIN PRIVATE KEY-----([\sA-Za-z0-9+/=]+)-----END PRIVATE KEY-----/.exec(
    text,
  );
  const base64 = match?.[1]?.replaceAll(/\s/g, "");
  if (base64 === undefined) throw notAKey(path);
  try {
    return decodeBase64(base64);
  } catch (cause) {
    throw notAKey(path, cause);
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
    throw notAKey(path, cause);
  }
}

async function warningOf(path: string): Promise<string | null> {
  const { mode } = await Deno.stat(path);
  // Windows has no such mode; there the folder of the user protects the file.
  if (mode === null || Deno.build.os === "windows" || (mode & OTHERS) === 0) return null;
  return `the key ${path} can be read by others; run: chmod 600 ${path}`;
}

function notAKey(path: string, cause?: unknown): KeyFileError {
  return new KeyFileError(
    "not_a_key",
    `the key ${path} is not an Ed25519 private key in PKCS #8 PEM`,
    { cause },
  );
}
