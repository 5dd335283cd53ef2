import { OptionError } from "../../cli/option_values.ts";
import type { SigningKey } from "../../identity/key.ts";
import {
  isPEM,
  KeyPEMError,
  makeSigningKey,
  readKeyPEM,
  signingKeyOf,
} from "../../identity/key_pem.ts";
import { KeyFileError, loadKeyFile } from "../key_file.ts";
import type { KeyPair } from "./tunnel_options.ts";

/** Finds the key that an option names. @throws {OptionError} for anything else, and for a key that cannot be read. */
export async function readTunnelKey(key: unknown): Promise<SigningKey> {
  try {
    if (key === "memory") return await makeSigningKey();
    if (typeof key === "string") return await readText(key);
    if (isKeyPair(key)) return await signingKeyOf(key);
  } catch (cause) {
    if (cause instanceof KeyFileError) throw new OptionError("key", cannotBeUsed(cause), { cause });
    if (!(cause instanceof KeyPEMError)) throw cause;
    const seen = cause.message === "" ? "" : `: ${cause.message}`;
    const expected = "must be an Ed25519 private key, in PKCS #8 where it is PEM";
    throw new OptionError("key", `${expected}${seen}`, { cause });
  }
  throw new OptionError("key", 'must be a path, a key in PEM, a CryptoKeyPair or "memory"');
}

async function readText(text: string): Promise<SigningKey> {
  if (text === "") throw new OptionError("key", "must not be empty");
  if (isPEM(text)) return await readKeyPEM(text);
  const options = { path: text, makesFolder: false, setting: "the option key" };
  return (await loadKeyFile(options)).key;
}

function cannotBeUsed({ message }: KeyFileError): string {
  return `cannot be used: ${message}`;
}

function isKeyPair(value: unknown): value is KeyPair {
  return typeof value === "object" && value !== null &&
    "privateKey" in value && value.privateKey instanceof CryptoKey &&
    "publicKey" in value && value.publicKey instanceof CryptoKey;
}
