import { CloseCode, maySendCode } from "./close_code.ts";

/** Milliseconds without a message after which a peer is quiet: longer than its turn of the event loop takes on a busy machine. */
const QUIET = 200;

/** Milliseconds after which the socket is closed although the peer is not quiet: a flood may have no end. */
const MAX_WAIT = 2000;

/** Milliseconds that a peer has to answer the close frame, beside the time for what it has to read before. */
const CLOSE_TIMEOUT = 30_000;

/** Bytes a millisecond that a peer reads at least while it is waited for: what does not leave the socket in that time is lost. */
const SLOWEST_READ = 8;

/** Bytes of a close reason: a control frame holds 125, and the code takes two of them (RFC 6455 section 5.5). */
const MAX_REASON = 123;

/** The part of a socket that closes it. */
interface Closable {
  close(code?: number, reason?: string): void;
  terminate?(): void;
  /** Bytes that have not left; a bridge keeps it to a megabyte. */
  readonly bufferedAmount: number;
}

/**
 * The end of a WebSocket (RFC 6455 section 7): sends the close frame, at once or when the peer is quiet, and waits no
 * longer than 30 s for the one of the peer, once that can have read what comes before.
 */
export class ClosingHandshake {
  readonly #socket: Closable;
  readonly #onUnanswered: () => void;
  #isOver = false;
  #begun = 0;
  #lastHeard = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `onUnanswered` is called when the peer does not answer: the socket is as good as closed, whether or not it can be ended. */
  constructor(socket: Closable, onUnanswered: () => void) {
    this.#socket = socket;
    this.#onUnanswered = onUnanswered;
  }

  /** Whether the socket is closed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Closes now, unless a close is being waited for; a code that no frame may carry becomes 1011. */
  close(code: number, reason: string): void {
    if (this.#isOver || this.#timer !== undefined) return;
    this.#timer = setTimeout(this.#unanswered, closePatience(this.#socket.bufferedAmount));
    if (code === CloseCode.NoStatus) this.#socket.close();
    else if (maySendCode(code)) this.#socket.close(code, cut(reason));
    else this.#socket.close(CloseCode.Internal);
  }

  /**
   * Closes once the peer is quiet, 200 ms from now at the earliest and 2 s at the latest. Deno breaks the
   * connection when a message follows on `close`, and a close frame that the peer has not read by then is lost.
   */
  closeWhenQuiet(code: number, reason: string): void {
    this.#begun = this.#lastHeard = performance.now();
    this.#look(code, reason);
  }

  /** Notes that the peer has sent a message. */
  heard(): void {
    this.#lastHeard = performance.now();
  }

  /** Notes that the socket is closed. */
  finish(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #unanswered = (): void => {
    this.#socket.terminate?.();
    this.#onUnanswered();
  };

  #look(code: number, reason: string): void {
    const end = Math.min(this.#lastHeard + QUIET, this.#begun + MAX_WAIT);
    const rest = end - performance.now();
    if (rest > 0) {
      this.#timer = setTimeout(() => this.#look(code, reason), rest);
      return;
    }
    this.#timer = undefined;
    this.close(code, reason);
  }
}

/** Returns the milliseconds that a peer has for a close that comes behind so many bytes. */
export function closePatience(bytes: number): number {
  return CLOSE_TIMEOUT + bytes / SLOWEST_READ;
}

/** Cuts a reason to what a close frame holds, never inside a character. */
function cut(reason: string): string {
  const { read } = new TextEncoder().encodeInto(reason, new Uint8Array(MAX_REASON));
  return reason.slice(0, read);
}
