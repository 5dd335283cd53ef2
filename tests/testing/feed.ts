import { within } from "./within.ts";

/** A response body that grows when the test says so. */
export class Feed {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #cancelled = Promise.withResolvers<void>();
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;

  constructor() {
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => this.#cancelled.resolve(),
    });
  }

  /** Writes a piece of the body, now. */
  write(text: string): void {
    this.#controller?.enqueue(this.#encoder.encode(text));
  }

  /** Ends the body. */
  close(): void {
    this.#controller?.close();
  }

  /** Waits until the reader has gone away. */
  async cancelled(): Promise<void> {
    await within(this.#cancelled.promise, "the end of the feed's reader");
  }
}
