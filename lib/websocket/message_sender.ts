import { ErrorCode } from "../wire/errors.ts";
import { encodeReset } from "../wire/reasons.ts";
import { MAX_WEBSOCKET_MESSAGE, MESSAGE_COST } from "../wire/limits.ts";
import type { Budget } from "../mux/flow_control.ts";
import type { Stream } from "../mux/stream.ts";
import { type Close, CloseCode } from "./close_code.ts";
import { closePatience } from "./closing_handshake.ts";

/** Bytes that wait on one side of a WebSocket, above which the other side is read no further where it can be paused. */
export const HIGH_WATER = 1024 * 1024;

/** Milliseconds in which the stream has to take what a socket had brought before it vanished; one that reads needs few. */
const LAST_MESSAGES_TIMEOUT = 2_000;

/** What a sender needs of its stream. */
export type MessageStream = Pick<Stream, "sendEnded" | "writeMessage" | "teardown" | "reset">;

/** What the owner of a sender is told. */
export interface MessageSenderEvents {
  /** It was crowded, and no longer is. */
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
  readonly #stream: MessageStream;
  readonly #backlog: Backlog;
  readonly #events: MessageSenderEvents;
  /** Messages behind the one that is being written; the backlog bounds them. */
  readonly #waiting: Message[] = [];
  #writing = false;
  #close: Close | null = null;
  /** Runs while a close waits behind messages. */
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(stream: MessageStream, backlog: Backlog, events: MessageSenderEvents) {
    this.#stream = stream;
    this.#backlog = backlog;
    this.#events = events;
  }

  /** Whether more waits than should. */
  get crowded(): boolean {
    return this.#backlog.waiting > HIGH_WATER;
  }

  /** Sends a message as soon as the stream takes it; returns false, and sends nothing, where too much waits already. */
  send(bytes: Uint8Array, text: boolean): boolean {
    if (!this.#backlog.tryAdd(costOf(bytes))) return false;
    if (this.#writing) {
      this.#waiting.push({ bytes: owned(bytes), text });
      return true;
    }
    // Most leave at once, and need no promise.
    const written = this.#write({ bytes, text });
    if (written !== undefined) void this.#writeAll(written);
    return true;
  }

  /**
   * Ends the stream behind all that waits; the first code counts. A stream that takes none of it is reset: its socket is
   * gone, and nobody else would ever end it.
   */
  close(code: number, reason: string): void {
    this.#close ??= { code, reason };
    if (!this.#writing) return this.#end();
    const patience = isCut(code) ? LAST_MESSAGES_TIMEOUT : closePatience(this.#backlog.waiting);
    this.#timer ??= setTimeout(this.#giveUp, patience);
  }

  /** What is being written fails with the reset, and the rest is dropped then. */
  readonly #giveUp = (): void => {
    this.#stream.reset(ErrorCode.Cancelled, "the messages before the close were not taken");
  };

  /** Writes one message; a stream that is over takes none, so those that wait are dropped as well. */
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
    clearTimeout(this.#timer);
    const { code, reason } = this.#close;
    if (isCut(code)) {
      this.#stream.reset(ErrorCode.Cancelled, "the WebSocket was cut");
    } else if (!this.#stream.sendEnded) {
      this.#stream.teardown(encodeReset(code, reason));
    }
    this.#events.onEnd();
  }
}

/** Whether a code stands for an end without a close frame. */
function isCut(code: number): boolean {
  return code < CloseCode.Normal || code === CloseCode.Abnormal;
}

/** Bytes that one socket may have waiting: its largest message, and what is on its way beside that. */
const MAX_WAITING = MAX_WEBSOCKET_MESSAGE + 16 * 1024 * 1024;

/**
 * Counts what one socket has brought and its stream has not taken yet. The first bytes are free; the rest
 * comes out of a budget that all sockets share, so that sockets which flood take room from each other alone.
 */
export class Backlog {
  readonly #shared: Budget;
  readonly #free: number;
  #waiting = 0;
  #charged = 0;

  constructor(shared: Budget, free: number) {
    this.#shared = shared;
    this.#free = free;
  }

  /** Bytes that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Adds to what waits unless that would be too much, and says whether it did. */
  tryAdd(bytes: number): boolean {
    const waiting = this.#waiting + bytes;
    const charge = Math.max(0, waiting - this.#free);
    if (waiting > MAX_WAITING || !this.#shared.tryTake(charge - this.#charged)) return false;
    this.#charged = charge;
    this.#waiting = waiting;
    return true;
  }

  /** Takes off what the stream has taken, or what was dropped. */
  remove(bytes: number): void {
    this.#waiting -= bytes;
    const charge = Math.max(0, this.#waiting - this.#free);
    this.#shared.give(this.#charged - charge);
    this.#charged = charge;
  }
}

function costOf(bytes: Uint8Array): number {
  return bytes.length + MESSAGE_COST;
}

/** Copies a view of a larger buffer, which would stay in memory as long as the view waits. */
function owned(bytes: Uint8Array): Uint8Array {
  return bytes.length === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}
