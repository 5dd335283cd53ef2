import { StateError } from "../state_folder.ts";
import { AccountKey } from "./account_key.ts";
import { isRecord, textOf } from "./acme_messages.ts";
import { isKeyOf } from "./certificate_key.ts";
import { type CertificateLife, certificateLife } from "./certificate_life.ts";
import type { Certificate } from "./certificate_source.ts";

/** Texts that outlive the server: in a folder, or on the bus as well. */
export interface StateTexts {
  /** The path of the folder. */
  readonly path: string;
  /** Returns a text, null when there is none. @throws {StateError} when it cannot be read. */
  read(name: string): Promise<string | null>;
  /** Keeps a text in the place of the one before. @throws {StateError} when it cannot be written. */
  write(name: string, text: string): Promise<void>;
}

/** A certificate that is kept, with what was found out about it. */
export interface KeptCertificate {
  readonly certificate: Certificate;
  readonly life: CertificateLife;
  /** The directory of the authority that gave it. */
  readonly authority: string;
}

/** An account's key, and its URL once the authority has told it. */
export interface KeptAccount {
  readonly key: AccountKey;
  readonly url: string | null;
}

/** How the latest attempts went. */
export interface Attempts {
  readonly failures: number;
  /** Milliseconds since 1970 before which there is to be no other one. */
  readonly next: number;
}

const NO_ATTEMPTS: Attempts = { failures: 0, next: 0 };

const CERTIFICATE_FILE = "certificate.pem";
const ATTEMPTS_FILE = "attempts.json";

/** A file that `openssl` and other servers can read as well: text outside of the blocks is passed over (RFC 7468 section 2). */
const CERTIFICATE_TEXT =
  /^authority: (\S+)\n(-----BEGIN PRIVATE KEY-----\n[^-]+-----END PRIVATE KEY-----\n)((?:\s*-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\s*)+)$/;

/** Reads and writes what getting certificates needs to know after a restart. */
export class ACMEState {
  readonly #texts: StateTexts;
  readonly #directory: string;

  /** `directory` is the URL of the authority's, at which the account is. */
  constructor(texts: StateTexts, directory: string) {
    this.#texts = texts;
    this.#directory = directory;
  }

  /** Returns the certificate that is kept; null for none. @throws {StateError} for a file that holds something else. */
  async certificate(): Promise<KeptCertificate | null> {
    const text = await this.#texts.read(CERTIFICATE_FILE);
    if (text === null) return null;
    const [, authority = "", key = "", cert = ""] =
      CERTIFICATE_TEXT.exec(text.replaceAll("\r\n", "\n")) ?? [];
    const life = certificateLife({ cert });
    if (life === null || !isKeyOf({ cert, key })) {
      throw this.#wrong(CERTIFICATE_FILE, "a certificate with its key");
    }
    return { certificate: { cert, key }, life, authority };
  }

  /** Keeps key and chain in one file: a crash between two would leave what does not belong together. */
  async keepCertificate({ cert, key }: Certificate): Promise<void> {
    await this.#texts.write(CERTIFICATE_FILE, `authority: ${this.#directory}\n${key}${cert}`);
  }

  /** Returns the account, or the key of one that is still to be registered. */
  async account(): Promise<KeptAccount> {
    const text = await this.#texts.read(this.#accountFile);
    if (text === null) {
      const key = await AccountKey.make();
      await this.keepAccount({ key, url: null });
      return { key, url: null };
    }
    const json = recordOf(text);
    const secret = textOf(json, "key");
    try {
      if (secret !== null) return { key: await AccountKey.read(secret), url: textOf(json, "url") };
    } catch {
      // It is said below.
    }
    throw this.#wrong(this.#accountFile, "the key of an account");
  }

  async keepAccount({ key, url }: KeptAccount): Promise<void> {
    const text = JSON.stringify({ directory: this.#directory, url, key: key.secret }, null, 2);
    await this.#texts.write(this.#accountFile, `${text}\n`);
  }

  /** Returns how the latest attempts went: a server that is started again and again must not ask as often. */
  async attempts(): Promise<Attempts> {
    const json = recordOf(await this.#texts.read(ATTEMPTS_FILE) ?? "{}");
    const failures = json?.["failures"];
    const next = json?.["next"];
    const isRight = Number.isSafeInteger(failures) && typeof next === "number" &&
      json?.["directory"] === this.#directory;
    return isRight && typeof failures === "number" ? { failures, next } : NO_ATTEMPTS;
  }

  async keepAttempts(attempts: Attempts): Promise<void> {
    const text = JSON.stringify({ directory: this.#directory, ...attempts });
    await this.#texts.write(ATTEMPTS_FILE, `${text}\n`);
  }

  /** Accounts at several authorities, as at one for trials, do not get in each other's way. */
  get #accountFile(): string {
    return `account-${new URL(this.#directory).host.replaceAll(/[^a-z0-9.-]/g, "_")}.json`;
  }

  #wrong(file: string, what: string): StateError {
    return new StateError(
      `${this.#texts.path}/${file} does not hold ${what}: remove it, and a new one is made`,
    );
  }
}

function recordOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
