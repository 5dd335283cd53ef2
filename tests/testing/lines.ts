/** The lines that are kept, the newest of them: a story needs a few, and a noisy program must not fill the memory. */
const MAX_LINES = 2_000;
/** Characters kept of one line. */
const MAX_LINE_LENGTH = 8_192;

/** Collects what a program prints, line by line, and waits for what it is to print. */
export class Lines {
  /** Settles once the program can print no more. */
  readonly ended: Promise<void>;
  readonly #lines: string[] = [];
  #dropped = 0;
  #isOver = false;
  #changed = Promise.withResolvers<void>();

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.ended = this.#collect(stream);
  }

  get all(): readonly string[] {
    return this.#lines;
  }

  toString(): string {
    return this.#lines.join("\n");
  }

  /** Returns the first line that matches, printed already or still to come; null when the program ends without one. */
  async find(pattern: RegExp): Promise<RegExpExecArray | null> {
    for (let next = 0;;) {
      for (const line of this.#lines.slice(Math.max(0, next - this.#dropped))) {
        const match = pattern.exec(line);
        if (match !== null) return match;
      }
      next = this.#dropped + this.#lines.length;
      if (this.#isOver) return null;
      await this.#changed.promise;
    }
  }

  async #collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split(/\r?\n/);
      rest = (lines.pop() ?? "").slice(0, MAX_LINE_LENGTH);
      if (lines.length > 0) this.#add(lines);
    }
    this.#isOver = true;
    this.#add(rest === "" ? [] : [rest]);
  }

  #add(lines: readonly string[]): void {
    for (const line of lines) this.#lines.push(line.slice(0, MAX_LINE_LENGTH));
    const surplus = Math.max(0, this.#lines.length - MAX_LINES);
    this.#lines.splice(0, surplus);
    this.#dropped += surplus;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
