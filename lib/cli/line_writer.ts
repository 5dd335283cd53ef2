import { Buffer } from "node:buffer";
import { waitAtMost } from "../net/with_timeout.ts";

/** Something that lines are written to, such as standard error. */
export interface LineTarget {
  write(bytes: Uint8Array): Promise<number>;
}

/** Bytes of lines that may wait: some thousand lines, and little beside what a busy server holds anyway. */
const MAX_WAITING = 1024 * 1024;

/** Milliseconds that the last lines get at the end of a program. */
const FLUSH_TIMEOUT = 1_000;

/**
 * Writes lines in order and never holds up the program, although the reader of a pipe may be slow or may have
 * stopped. Lines that do not fit are dropped and counted.
 */
export class LineWriter {
  readonly #target: LineTarget;
  readonly #tellLost: (count: number) => string;
  #waiting: Uint8Array[] = [];
  /** Bytes that wait, with those that are being written. */
  #length = 0;
  #lost = 0;
  #writing: Promise<void> | null = null;

  /** @param tellLost makes the line that stands where so many were lost. */
  constructor(target: LineTarget, tellLost: (count: number) => string) {
    this.#target = target;
    this.#tellLost = tellLost;
  }

  /** Takes a line, without its line feed. */
  write(line: string): void {
    const bytes = encoder.encode(`${line}\n`);
    if (this.#length + bytes.length > MAX_WAITING) {
      this.#lost++;
      return;
    }
    this.#markLost();
    this.#push(bytes);
    this.#writing ??= this.#writeAll();
  }

  /** Resolves once everything is written, or could not be within a second. */
  async flush(): Promise<void> {
    if (this.#writing !== null) await waitAtMost(FLUSH_TIMEOUT, this.#writing);
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const bytes = Buffer.concat(this.#waiting);
      this.#waiting = [];
      await this.#writeOut(bytes);
      this.#length -= bytes.length;
      if (this.#waiting.length === 0) this.#markLost();
    }
    this.#writing = null;
  }

  /** Puts a line where others are missing. */
  #markLost(): void {
    if (this.#lost === 0) return;
    const told = this.#tellLost(this.#lost);
    this.#lost = 0;
    this.#push(encoder.encode(`${told}\n`));
  }

  #push(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#length += bytes.length;
  }

  async #writeOut(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) {
        const count = await this.#target.write(bytes.subarray(at));
        if (count === 0) return;
        at += count;
      }
    } catch {
      // A full disk or a closed pipe must not end what the lines tell of.
    }
  }
}

const encoder = new TextEncoder();
