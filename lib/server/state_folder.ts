import { join } from "node:path";
import { systemReason } from "../net/system_reason.ts";

/** Says why what a server keeps cannot be read or written, in a sentence for the operator. */
export class StateError extends Error {
  override readonly name = "StateError";
  readonly code = "STATE";
}

/** Bytes of the largest file that is read: a certificate with its chain and key has some 10 kB. */
const MAX_FILE = 1024 * 1024;

/** Mode bits that give users other than the owner access to a file. */
const OTHERS = 0o077;

/** Mode bits that let users other than the owner put files into a folder, as links to what they like too. */
const OTHERS_WRITE = 0o022;

/** The folder where a server keeps what must outlive it, each text in a file that is its user's alone. */
export class StateFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Opens the folder, and makes it where there is none. @throws {StateError} when it cannot be used. */
  static async open(path: string): Promise<StateFolder> {
    try {
      await Deno.mkdir(path, { recursive: true, mode: 0o700 });
      const { mode } = await Deno.stat(path);
      if (hasBits(mode, OTHERS_WRITE)) {
        throw new StateError(
          `others may put files of theirs into ${path}: chmod 700 ${path}, or give a folder within ` +
            "it with --state",
        );
      }
      return new StateFolder(path);
    } catch (cause) {
      if (cause instanceof StateError) throw cause;
      throw new StateError(
        `cannot keep anything in ${path}: ${systemReason(cause)}; give another folder with --state`,
        { cause },
      );
    }
  }

  /** Returns the path of a file. */
  pathOf(name: string): string {
    return join(this.path, name);
  }

  /** Returns a text, null when there is none. @throws {StateError} when it cannot be read, or is open to others. */
  async read(name: string): Promise<string | null> {
    const path = this.pathOf(name);
    try {
      const { size, mode } = await Deno.stat(path);
      if (size > MAX_FILE) throw new StateError(`${path} is larger than ${MAX_FILE} bytes`);
      if (hasBits(mode, OTHERS)) {
        throw new StateError(
          `others may read or change ${path}, which holds a secret: chmod 600 ${path}`,
        );
      }
      return await Deno.readTextFile(path);
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound) return null;
      if (cause instanceof StateError) throw cause;
      throw new StateError(`cannot read ${path}: ${systemReason(cause)}`, { cause });
    }
  }

  /** Keeps a text where there is none yet, and tells whether it did. @throws {StateError} when it cannot be written. */
  async create(name: string, text: string): Promise<boolean> {
    const path = this.pathOf(name);
    try {
      await writeSynced(path, text);
      return true;
    } catch (cause) {
      if (cause instanceof Deno.errors.AlreadyExists) return false;
      throw new StateError(`cannot write ${path}: ${systemReason(cause)}`, { cause });
    }
  }

  /** Keeps a text in the place of the one before: a reader meanwhile, or after a crash, finds one of the two whole. */
  async write(name: string, text: string): Promise<void> {
    const path = this.pathOf(name);
    const draft = `${path}.${crypto.randomUUID()}`;
    try {
      try {
        await writeSynced(draft, text);
        await Deno.rename(draft, path);
      } catch (error) {
        await Deno.remove(draft).catch(() => {});
        throw error;
      }
    } catch (cause) {
      throw new StateError(`cannot write ${path}: ${systemReason(cause)}`, { cause });
    }
  }
}

/** Tells whether a mode has some of these bits; never on Windows, which has other rights. */
function hasBits(mode: number | null, bits: number): boolean {
  return mode !== null && Deno.build.os !== "windows" && (mode & bits) !== 0;
}

async function writeSynced(path: string, text: string): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  await file.syncData();
}
