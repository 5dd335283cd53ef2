/** Collects a message of several parts in one buffer: a view of each would keep its whole transport message alive. */
export class MessageParts {
  #buffer = new Uint8Array(0);
  #length = 0;

  /** Bytes collected so far. */
  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#buffer.length));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = length;
  }

  /** Returns the message and begins a new one. */
  take(): Uint8Array<ArrayBuffer> {
    const message = this.#buffer.subarray(0, this.#length);
    this.#buffer = new Uint8Array(0);
    this.#length = 0;
    return message;
  }
}
