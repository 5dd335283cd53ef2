import { messageOf, quoted } from "../../cli/safe_text.ts";
import { systemReason } from "../../net/system_reason.ts";
import { isLabel } from "../../identity/claim.ts";
import { isLikeId } from "./reserved_names.ts";
import {
  type KeyLimits,
  type KeySettings,
  NO_KEY_LIMITS,
  parseKeySettings,
} from "./key_settings.ts";
import { isThumbprint } from "../../identity/thumbprint.ts";

/** A file of authorized keys that cannot be used; the message names the file, and the line that is wrong. */
export class AuthorizedKeysError extends Error {
  /** The name of the class. */
  override readonly name = "AuthorizedKeysError";
  /** Makes an error; the code says what is wrong with the file. */
  constructor(
    /** What is wrong with the file. */
    readonly code: "unreadable" | "too_large" | "bad_line",
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Bytes of the file: some 20,000 keys, as many as a server has tunnels by default. */
const MAX_FILE = 1024 * 1024;

/** Characters of a comment that are kept to be shown: a name and a word about it. */
const MAX_COMMENT = 120;

/** Names of one key: more than that belong to a key of their own. */
const MAX_NAMES = 64;

/** What the file says of one key. */
interface AuthorizedKey extends KeySettings {
  readonly names: ReadonlySet<string>;
  readonly comment: string;
}

/** The keys that may connect, each with the names that it may take. */
export class AuthorizedKeys {
  readonly #keys: ReadonlyMap<string, AuthorizedKey>;

  private constructor(keys: ReadonlyMap<string, AuthorizedKey>) {
    this.#keys = keys;
  }

  /**
   * Reads a file: a thumbprint on each line, behind it its names and settings such as `rate=100/s` with blanks or commas
   * between, and comments after `#`.
   *
   * @throws {AuthorizedKeysError} for a file that is not there or too large, and at the first bad line.
   */
  static read(file: string): AuthorizedKeys {
    return AuthorizedKeys.parse(textOf(file), file);
  }

  /** Reads the text of a file. @throws {AuthorizedKeysError} at the first bad line. */
  static parse(text: string, file: string): AuthorizedKeys {
    const keys = new Map<string, AuthorizedKey>();
    const lineOf = new Map<string, number>();
    const once = (what: string, line: number): void => {
      const before = lineOf.get(what);
      if (before !== undefined) throw new RangeError(`${what} stands in line ${before} already`);
      lineOf.set(what, line);
    };
    for (const [i, line] of text.split("\n").entries()) {
      const [thumbprint, ...wanted] = wordsOf(line);
      if (thumbprint === undefined) continue;
      try {
        checkThumbprint(thumbprint);
        once(`the key ${thumbprint}`, i + 1);
        const isSetting = (word: string) => word.includes("=");
        const settings = parseKeySettings(wanted.filter(isSetting));
        const allowed = namesOf(wanted.filter((word) => !isSetting(word)));
        for (const name of allowed) once(`the name ${name}`, i + 1);
        keys.set(thumbprint, { ...settings, names: allowed, comment: commentOf(line) });
      } catch (cause) {
        const message = `${file}, line ${i + 1}: ${messageOf(cause)}`;
        throw new AuthorizedKeysError("bad_line", message, { cause });
      }
    }
    return new AuthorizedKeys(keys);
  }

  /** How many keys it has. */
  get size(): number {
    return this.#keys.size;
  }

  /** Whether a key may connect. */
  has(thumbprint: string): boolean {
    return this.#keys.has(thumbprint);
  }

  /** Whether a name belongs to that key, and so to no other. */
  owns(thumbprint: string, name: string): boolean {
    return this.#keys.get(thumbprint)?.names.has(name) ?? false;
  }

  /** What the tunnels of a key may have. */
  limitsOf(thumbprint: string): KeyLimits {
    return this.#keys.get(thumbprint)?.limits ?? NO_KEY_LIMITS;
  }

  /** Whether the time of a key is up. */
  isExpired(thumbprint: string): boolean {
    const expires = this.#keys.get(thumbprint)?.expires ?? null;
    return expires !== null && expires <= Date.now();
  }

  /** When the next key's time is up, in milliseconds since 1970; null where none's is to come. */
  get nextExpiry(): number | null {
    const now = Date.now();
    let next: number | null = null;
    for (const { expires } of this.#keys.values()) {
      if (expires !== null && expires > now && expires < (next ?? Infinity)) next = expires;
    }
    return next;
  }

  /** What the operator noted behind a key; empty for nothing. */
  commentOf(thumbprint: string): string {
    return this.#keys.get(thumbprint)?.comment ?? "";
  }
}

/** Reads a file up to the bound; its size cannot be asked for first, since a device has none. */
function textOf(path: string): string {
  try {
    using file = Deno.openSync(path);
    const bytes = new Uint8Array(MAX_FILE + 1);
    let length = 0;
    while (length < bytes.length) {
      const read = file.readSync(bytes.subarray(length));
      if (read === null) return decoder.decode(bytes.subarray(0, length));
      length += read;
    }
  } catch (cause) {
    const reason = cause instanceof TypeError ? "it is not UTF-8" : systemReason(cause);
    throw new AuthorizedKeysError("unreadable", `cannot read ${path}: ${reason}`, { cause });
  }
  throw new AuthorizedKeysError("too_large", `${path} has more than ${MAX_FILE} bytes`);
}

/** Drops the mark that some editors put at the beginning. */
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Returns the beginning of what stands behind a `#`. */
function commentOf(line: string): string {
  const start = line.indexOf("#");
  return start === -1 ? "" : line.slice(start + 1).trim().slice(0, MAX_COMMENT);
}

function wordsOf(line: string): string[] {
  const comment = line.indexOf("#");
  const text = comment === -1 ? line : line.slice(0, comment);
  return text.split(/[\s,]+/).filter((word) => word !== "");
}

function checkThumbprint(text: string): void {
  if (isThumbprint(text)) return;
  const expected = "a key's thumbprint of 43 characters, as tunnel-client --show-key prints it";
  throw new RangeError(`${quoted(text)} is not ${expected}`);
}

function namesOf(words: readonly string[]): ReadonlySet<string> {
  if (words.length > MAX_NAMES) throw new RangeError(`more than ${MAX_NAMES} names for one key`);
  return new Set(words.map((word) => {
    const name = word.toLowerCase();
    if (!isLabel(name)) {
      const expected = "1 to 63 letters, digits and inner hyphens";
      throw new RangeError(`${quoted(word)} is not a name of ${expected}`);
    }
    if (isLikeId(name)) throw new RangeError(`the name ${name} has the form of a tunnel's id`);
    return name;
  }));
}
