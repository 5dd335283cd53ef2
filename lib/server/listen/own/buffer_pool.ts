/** Buffers of one length, of which some are kept for the next who needs one. */
export class BufferPool {
  readonly length: number;
  readonly #most: number;
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];

  /** Keeps `most` buffers of so many bytes at most. */
  constructor(length: number, most: number) {
    this.length = length;
    this.#most = most;
  }

  take(): Uint8Array<ArrayBuffer> {
    return this.#spare.pop() ?? new Uint8Array(this.length);
  }

  /** Takes a buffer back that nobody uses any more; one of another length is dropped. */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    if (buffer.length === this.length && this.#spare.length < this.#most) this.#spare.push(buffer);
  }
}
