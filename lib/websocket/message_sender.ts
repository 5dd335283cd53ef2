import type { Backlog } from "./backlog.ts";
import { ErrorCode } from "../wire/errors.ts";
import { encodeReset } from "../wire/reasons.ts";
import { MESSAGE_COST } from "../wire/limits.ts";
import type { Stream } from "../mux/stream.ts";

/** Bytes that wait, on either side of a WebSocket, above which no more is brought where that can be told. */
export const HIGH_WATER = 1024 * 1024;

/** What the owner of a sender is told. */
export interface MessageSenderEvents {
  /** It is crowded no more. */
  onRoom(): void;
  /** The stream has taken all, and the close. */
  onEnd(): void;
}

interface Message {
  readonly bytes: Uint8Array;
  readonly text: boolean;
}

/** Sends the messages of a WebSocket into its stream, in order, and its close behind them. */
export class MessageSender {
  readonly #stream: Stream;
  readonly #backlog: Backlog;
  readonly #events: MessageSenderEvents;
  /** Behind the one that is being written. */
  readonly #waiting: Message[] = [];
  #writing = false;
  #close: { readonly code: number; readonly reason: string } | null = null;

  constructor(stream: Stream, backlog: Backlog, events: MessageSenderEvents) {
    this.#stream = stream;
    this.#backlog = backlog;
    this.#events = events;
  }

  /** Whether more waits than should. */
  get crowded(): boolean {
    return this.#backlog.waiting > HIGH_WATER;
  }

  /** Sends a message as soon as the stream takes it, and returns false instead where too much waits already. */
  send(bytes: Uint8Array, text: boolean): boolean {
    if (!this.#backlog.tryAdd(costOf(bytes))) return false;
    if (this.#writing) {
      this.#waiting.push({ bytes: owned(bytes), text });
      return true;
    }
    // Most leave at once, and then there is no need of a promise.
    const written = this.#write({ bytes, text });
    if (written !== undefined) void this.#writeAll(written);
    return true;
  }

  /** Ends the stream behind all that waits; the first code counts. */
  close(code: number, reason: string): void {
    this.#close ??= { code, reason };
    if (!this.#writing) this.#end();
  }

  /** Writes one message; what is over takes none, and then nobody wants the others either. */
  #write(message: Message): Promise<void> | undefined {
    try {
      const written = this.#stream.writeMessage(message.bytes, message.text);
      if (written instanceof Promise) return written.finally(() => this.#taken(message));
    } catch {
      this.#drop();
    }
    this.#taken(message);
  }

  async #writeAll(first: Promise<void>): Promise<void> {
    this.#writing = true;
    try {
      await first;
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
        const written = this.#write(next);
        if (written !== undefined) await written;
      }
    } catch {
      this.#drop();
    }
    this.#writing = false;
    if (this.#close !== null) this.#end();
  }

  #drop(): void {
    for (const message of this.#waiting.splice(0)) this.#taken(message);
  }

  #taken({ bytes }: Message): void {
    const wasCrowded = this.crowded;
    this.#backlog.remove(costOf(bytes));
    if (wasCrowded && !this.crowded) this.#events.onRoom();
  }

  #end(): void {
    if (this.#close === null) return;
    const { code, reason } = this.#close;
    if (code < 1000 || code === ABNORMAL) {
      this.#stream.reset(ErrorCode.Cancelled, "the WebSocket was cut");
    } else if (!this.#stream.sendEnded) {
      this.#stream.teardown(encodeReset(code, reason));
    }
    this.#events.onEnd();
  }
}

/** Stands for a connection that ended without a close frame (RFC 6455 section 7.4.1). */
const ABNORMAL = 1006;

function costOf(bytes: Uint8Array): number {
  return bytes.length + MESSAGE_COST;
}

/** Copies a view of more: it would keep all of that for as long as it waits. */
function owned(bytes: Uint8Array): Uint8Array {
  return bytes.length === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}
