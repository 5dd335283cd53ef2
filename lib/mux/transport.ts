import { setImmediate } from "node:timers";
import { Specimens } from "./v8_memory.ts";

/** Ordered binary messages between two ends, over a WebSocket or something else that carries them. */
export interface Transport {
  /** Tells `events` what comes from now on; to be called in the turn of the event loop in which the transport was made. */
  start(events: TransportEvents): void;
  /** Bytes that were sent and have not left yet. */
  readonly buffered: number;
  /** Whether body data may be sent. */
  readonly writable: boolean;
  /** Sends a message; its bytes may be changed as soon as this returns. */
  send(message: Uint8Array<ArrayBuffer>): void;
  /** Runs `task` at the end of this turn of the event loop, when all that has arrived is handled. */
  soon(task: () => void): void;
  /** Calls `onDrain` once it is writable. */
  notifyDrain(): void;
  /** Ends the connection behind all that is buffered; `onClose` is called at once. */
  close(reason: string): void;
}

/** What a session is told by its transport. */
export interface TransportEvents {
  onMessage(message: Uint8Array<ArrayBuffer>): void;
  /** Counts what was sent, in bytes. */
  onSent(bytes: number): void;
  /** There is room for body data again. */
  onDrain(): void;
  /** Nothing has come since much was sent, whose end may not have left: a ping pushes it on, and its answer shows that. */
  onUnheard(): void;
  /** The last call: nothing comes and nothing goes any more. */
  onClose(reason: string): void;
}

/** Stands for a text message. It is the empty message, which a peer may not send either. */
export const TEXT_MESSAGE = new Uint8Array(0);

const turns = new Specimens();

/** Runs a task when all that has arrived in this turn of the event loop is handled; what `soon` is made of. */
export function endOfTurn(task: () => void): void {
  turns.keep(setImmediate(task));
}
