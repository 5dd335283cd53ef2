import { link, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { platform } from "node:os";
import { dirname } from "node:path";
import { ProgramError } from "../cli/program.ts";
import type { SigningKey } from "../identity/key.ts";
import { KeyPEMError, makeKeyPEM, readKeyPEM } from "../identity/key_pem.ts";
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
  /** Where the owner named the file, as messages say it. @default "--key" */
  readonly setting?: string;
}

/** Bytes of the largest file that is read as a key; an Ed25519 key in PEM has 119. */
const MAX_KEY_FILE = 16 * 1024;

/** Mode bits that give users other than the owner access to a file. */
const OTHERS = 0o077;

/** Loads the key of a program, which can do nothing without it. @throws {ProgramError} with status 2. */
export async function requireKeyFile(file: KeyFileOptions): Promise<LoadedKey> {
  try {
    return await loadKeyFile(file);
  } catch (cause) {
    if (!(cause instanceof KeyFileError)) throw cause;
    throw new ProgramError(cause.message, 2, { cause });
  }
}

/**
 * Reads the Ed25519 key (PKCS #8 PEM, RFC 8410) in a file, or makes the file, readable by its owner alone.
 *
 * @throws {KeyFileError} when the file cannot be read or written, or holds something else.
 */
export async function loadKeyFile(options: KeyFileOptions): Promise<LoadedKey> {
  const found = await readKeyFile(options);
  const { text, isNew } = found === undefined
    ? await createKeyFile(options)
    : { text: found, isNew: false };
  return { key: await keyOf(text, options), isNew, warning: await warningOf(options.path) };
}

async function readKeyFile(options: KeyFileOptions): Promise<string | undefined> {
  const { path } = options;
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw notAKey(options, "it is a folder");
    if (!found.isFile() || found.size > MAX_KEY_FILE) throw notAKey(options);
    return await readFile(path, "utf8");
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return undefined;
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
  options: KeyFileOptions,
): Promise<{ readonly text: string; readonly isNew: boolean }> {
  const { path, makesFolder } = options;
  const pem = await makeKeyPEM();
  const draft = `${path}.${crypto.randomUUID()}`;
  try {
    if (makesFolder) await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(draft, pem, { flag: "wx", mode: 0o600 });
    const isNew = await publish(draft, path);
    return { text: await readFile(path, "utf8"), isNew };
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") throw noFolder(options, cause);
    throw new KeyFileError("unwritable", `cannot make the key ${path}: ${systemReason(cause)}`, {
      cause,
    });
  }
}

/** Gives a draft its name, unless a key has it already. */
async function publish(draft: string, path: string): Promise<boolean> {
  try {
    // A link appears whole or not at all, and never in place of a key that is there.
    await link(draft, path);
    return true;
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
    return false;
  } finally {
    await rm(draft);
  }
}

async function keyOf(text: string, options: KeyFileOptions): Promise<SigningKey> {
  try {
    return await readKeyPEM(text);
  } catch (cause) {
    if (!(cause instanceof KeyPEMError)) throw cause;
    throw notAKey(options, cause.message, cause);
  }
}

async function warningOf(path: string): Promise<string | null> {
  const { mode } = await stat(path);
  // Windows has no such mode; there the folder of the user protects the file.
  if (platform() === "win32" || (mode & OTHERS) === 0) return null;
  return `the key ${path} can be read by others; run: chmod 600 ${path}`;
}

function notAKey(
  { path, setting = SETTING }: KeyFileOptions,
  seen = "",
  cause?: unknown,
): KeyFileError {
  return new KeyFileError(
    "not_a_key",
    `the key ${path} is not an Ed25519 private key in PKCS #8 PEM${
      seen === "" ? "" : ` (${seen})`
    }; name a file in ${setting} that is not there yet, and it is made`,
    { cause },
  );
}

function noFolder({ path, setting = SETTING }: KeyFileOptions, cause: unknown): KeyFileError {
  const folder = dirname(path);
  return new KeyFileError(
    "no_folder",
    `cannot make the key ${path}: there is no folder ${folder}; make it (mkdir -p), or check ${setting}`,
    { cause },
  );
}

const SETTING = "--key";
