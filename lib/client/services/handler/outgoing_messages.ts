import type { Budget } from "../../../mux/flow_control.ts";
import { type Close, CloseCode } from "../../../websocket/close_code.ts";
import {
  Backlog,
  HIGH_WATER,
  MessageSender,
  type MessageStream,
} from "../../../websocket/message_sender.ts";
import { MAX_WEBSOCKET_MESSAGE } from "../../../wire/limits.ts";

/** What `send` of a WebSocket takes. */
export type MessageData = string | ArrayBufferLike | Blob | ArrayBufferView;

interface Message {
  readonly bytes: Uint8Array;
  readonly text: boolean;
}

/**
 * Sends the messages of a handler's WebSocket, and its close behind them, in the order in which they were given: what was
 * sent behind a Blob waits until that is read.
 */
export class OutgoingMessages {
  readonly #backlog: Backlog;
  readonly #sender: MessageSender;
  readonly #onRefused: (why: Close) => void;
  /** What was sent behind a Blob that is still being read; the sizes count as waiting. */
  readonly #behindBlob: (Message | Blob)[] = [];
  #behindBlobLength = 0;
  #isReadingBlob = false;
  #close: Close | null = null;
  #isStopped = false;

  /** `shared` bounds what waits for all sockets together; `onRefused` hears how to close for a message that cannot be sent. */
  constructor(stream: MessageStream, shared: Budget, onRefused: (why: Close) => void) {
    this.#backlog = new Backlog(shared, HIGH_WATER);
    this.#sender = new MessageSender(stream, this.#backlog, { onRoom() {}, onEnd() {} });
    this.#onRefused = onRefused;
  }

  /** Bytes that the stream has not taken yet, with 64 for each message. */
  get waiting(): number {
    return this.#backlog.waiting + this.#behindBlobLength;
  }

  /** Sends a message, which is copied before this returns. */
  send(data: MessageData): void {
    const message = data instanceof Blob ? data : messageOf(data);
    if (!(message instanceof Blob) && !this.#isReadingBlob) return this.#send(message);
    const length = sizeOf(message);
    if (this.#behindBlobLength + length > MAX_WEBSOCKET_MESSAGE) return this.#onRefused(TOO_MUCH);
    this.#behindBlobLength += length;
    this.#behindBlob.push(message);
    if (!this.#isReadingBlob) void this.#sendBehindBlob();
  }

  /** Closes the stream behind what was sent. */
  close(close: Close): void {
    this.#close = close;
    if (!this.#isReadingBlob) this.#sendClose();
  }

  /** Sends nothing more: the socket is closed. */
  stop(): void {
    this.#isStopped = true;
  }

  #send(message: Message): void {
    if (message.bytes.length > MAX_WEBSOCKET_MESSAGE) return this.#onRefused(TOO_LONG);
    if (!this.#sender.send(message.bytes, message.text)) this.#onRefused(TOO_MUCH);
  }

  async #sendBehindBlob(): Promise<void> {
    this.#isReadingBlob = true;
    for (let next = this.#behindBlob.shift(); next; next = this.#behindBlob.shift()) {
      const length = sizeOf(next);
      try {
        const message = next instanceof Blob ? await readBlob(next) : next;
        // A close that was asked for comes behind what was sent before it.
        if (!this.#isStopped) this.#send(message);
      } catch {
        // A file that changed cannot be read: the visitor would miss a message without a word.
        this.#onRefused({ code: CloseCode.Internal, reason: "a message could not be read" });
      }
      this.#behindBlobLength -= length;
    }
    this.#isReadingBlob = false;
    this.#sendClose();
  }

  #sendClose(): void {
    if (this.#close !== null) this.#sender.close(this.#close.code, this.#close.reason);
  }
}

const TOO_LONG: Close = {
  code: CloseCode.TooBig,
  reason: `a message of more than ${MAX_WEBSOCKET_MESSAGE} bytes`,
};

const TOO_MUCH: Close = {
  code: CloseCode.TryAgainLater,
  reason: "messages are sent faster than they are read",
};

const encoder = new TextEncoder();

/** Copies what is sent: the caller may change it afterwards. */
function messageOf(data: string | ArrayBufferLike | ArrayBufferView): Message {
  if (typeof data === "string") return { bytes: encoder.encode(data), text: true };
  const view = ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
  return { bytes: view.slice(), text: false };
}

async function readBlob(blob: Blob): Promise<Message> {
  return { bytes: new Uint8Array(await blob.arrayBuffer()), text: false };
}

function sizeOf(message: Message | Blob): number {
  return message instanceof Blob ? message.size : message.bytes.length;
}
