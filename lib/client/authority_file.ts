import { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { ProgramError } from "../cli/program.ts";
import { systemReason } from "../net/system_reason.ts";

/** Bytes of the largest file that is read: all authorities of a browser are some 250 kB. */
const MAX_AUTHORITY_FILE = 1024 * 1024;

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Reads the certificates of private authorities from a PEM file (RFC 7468).
 *
 * @throws {ProgramError} with status 2 when it cannot be read, or has none.
 */
export async function readAuthorities(file: string): Promise<readonly string[]> {
  const text = await textOf(file);
  try {
    return certificatesIn(text);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw wrong(`the authority ${file} ${cause.message}`, cause);
  }
}

/**
 * Finds the certificates in a text. Deno takes a text without any in silence.
 *
 * @throws {RangeError} "has …" for one without any, or with one that cannot be read.
 */
export function certificatesIn(text: string): readonly string[] {
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) {
    throw new RangeError("has no certificate in PEM (-----BEGIN CERTIFICATE-----)");
  }
  for (const certificate of certificates) {
    try {
      new X509Certificate(certificate);
    } catch (cause) {
      throw new RangeError("has a certificate that cannot be read", { cause });
    }
  }
  return certificates;
}

async function textOf(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size <= MAX_AUTHORITY_FILE) return await readFile(file, "utf8");
  } catch (cause) {
    throw wrong(`cannot read the authority ${file}: ${systemReason(cause)}`, cause);
  }
  throw wrong(`the authority ${file} is larger than ${MAX_AUTHORITY_FILE} bytes`);
}

function wrong(message: string, cause?: unknown): ProgramError {
  return new ProgramError(message, 2, { cause });
}
