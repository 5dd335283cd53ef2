import { createClient, ErrorReply, RESP_TYPES } from "@redis/client";
import { Buffer } from "node:buffer";
import { parseAddress } from "../../net/ip_address.ts";
import { systemReason } from "../../net/system_reason.ts";
import { BusError, type MessageHandler } from "./bus.ts";
import { MAX_BUS_MESSAGE } from "./bus_limits.ts";
import { type RedisAddress, withoutPassword } from "./redis_address.ts";

/** A word of a command: text goes out as UTF-8. */
export type RedisWord = string | Buffer;

interface Unanswered {
  readonly bytes: number;
  /** The tick in which it began. */
  readonly tick: number;
}

/**
 * One connection to Redis from its opening to its end. Any doubt ends it: a new one is cheap, and the answers of a
 * connection in an unknown state mean nothing.
 */
export class RedisConnection {
  /** Settles with the reason, without secrets, once nothing can be asked any more. */
  readonly ended: Promise<string>;
  readonly #address: RedisAddress;
  readonly #client: Client;
  readonly #end = Promise.withResolvers<string>();
  readonly #unanswered = new Set<Unanswered>();
  readonly #timer: ReturnType<typeof setInterval>;
  #bytes = 0;
  #tick = 0;
  #lastAnswer = 0;
  #reason: string | null = null;
  #connecting: Promise<unknown> = Promise.resolve();

  constructor(address: RedisAddress) {
    this.#address = address;
    this.ended = this.#end.promise;
    this.#client = newClient(address);
    // Without a listener an error event would end the process.
    this.#client.on("error", (error) => this.#fail(reasonOf(error)));
    this.#client.on("end", () => this.#fail("the connection was closed"));
    this.#timer = setInterval(() => this.#onTick(), TICK);
  }

  /** Connects and signs in. @throws {BusError} */
  async open(): Promise<void> {
    const connecting = this.#watch(0, () => this.#client.connect());
    this.#connecting = Promise.allSettled([connecting]);
    const ended = this.ended.then((reason) => Promise.reject(new BusError(reason)));
    await Promise.race([connecting, ended]);
  }

  /**
   * Gives a command and returns its answer: strings are Buffers, and a key of another type is null, as a missing one.
   *
   * @throws {BusError}
   */
  async ask(words: readonly RedisWord[]): Promise<unknown> {
    let bytes = 0;
    for (const word of words) bytes += word.length;
    try {
      return await this.#watch(bytes, () => this.#client.sendCommand(words));
    } catch (error) {
      if (error instanceof BusError && error.cause === WRONG_TYPE) return null;
      throw error;
    }
  }

  /** Hands what is published in a channel to `handle`. @throws {BusError} */
  async subscribe(channel: string, handle: MessageHandler): Promise<void> {
    const take = (message: Buffer) => handle(plain(message));
    await this.#watch(channel.length, () => this.#client.subscribe(channel, take, true));
  }

  /** Ends at once; what is unanswered is rejected. */
  async close(): Promise<void> {
    this.#fail("the bus is closed");
    await this.#connecting;
    // The client forgets a socket that was still connecting when it was told to let go.
    this.#client.destroy();
  }

  async #watch<T>(bytes: number, start: () => Promise<T>): Promise<T> {
    if (this.#reason !== null) throw new BusError(this.#reason);
    if (this.#unanswered.size >= MAX_UNANSWERED || this.#bytes + bytes > MAX_UNANSWERED_BYTES) {
      throw new BusError("Redis does not keep up: too much waits for its answer");
    }
    const unanswered = { bytes, tick: this.#tick };
    this.#unanswered.add(unanswered);
    this.#bytes += bytes;
    try {
      return await start();
    } catch (error) {
      throw this.#errorOf(error);
    } finally {
      this.#unanswered.delete(unanswered);
      this.#bytes -= bytes;
      this.#lastAnswer = this.#tick;
    }
  }

  /** Ticks are counted, not time: after this process itself has stood still, answers get their chance first. */
  #onTick(): void {
    this.#tick++;
    const [oldest] = this.#unanswered;
    if (oldest !== undefined) {
      const silent = this.#tick - Math.max(oldest.tick, this.#lastAnswer);
      if (silent > TIMEOUT_TICKS) this.#fail(`no answer for ${TIMEOUT_TICKS * TICK} ms`);
    } else if (this.#tick % PING_TICKS === 0) {
      // A peer that is gone without a word is noticed by this alone; what comes of it, the watch tells.
      this.ask(["PING"]).catch(() => {});
    }
  }

  #fail(reason: string): void {
    if (this.#reason !== null) return;
    this.#reason = this.#describe(reason);
    clearInterval(this.#timer);
    this.#client.destroy();
    this.#end.resolve(this.#reason);
  }

  /** Has the original error as a cause nowhere: it may carry the command, and that the password. */
  #errorOf(error: unknown): BusError {
    if (this.#reason !== null) return new BusError(this.#reason);
    const text = reasonOf(error);
    if (error instanceof ErrorReply) {
      const [code = ""] = text.split(" ", 1);
      if (code === WRONG_TYPE) return new BusError(text, { cause: WRONG_TYPE });
      if (AWAY_CODES.has(code)) this.#fail(text);
    }
    return new BusError(this.#describe(text));
  }

  #describe(text: string): string {
    const { host, port } = this.#address;
    const short = withoutPassword(text, this.#address).slice(0, MAX_REASON);
    return `Redis at ${host}:${port}: ${short}`;
  }
}

/** Says in place of the library what it finds no words for. */
function reasonOf(error: unknown): string {
  const text = systemReason(error);
  if (text.startsWith("Unknown RESP type")) return "what answers there is not Redis";
  // It looks for the command that is answered, and finds none.
  return error instanceof TypeError
    ? "it answers before it is asked, as Redis does that lets nobody in without a password (protected-mode)"
    : text;
}

type Client = ReturnType<typeof newClient>;

/** Makes a client that neither reconnects by itself nor keeps what it cannot send. */
function newClient({ host, port, isTLS, database, username, password }: RedisAddress) {
  return createClient({
    socket: {
      host,
      port,
      connectTimeout: TIMEOUT_TICKS * TICK,
      reconnectStrategy: false,
      // An address may not stand in place of a server name (RFC 6066 section 3).
      ...(isTLS && { tls: true, ...(parseAddress(host) === undefined && { servername: host }) }),
    },
    database,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: "disabled",
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
  });
}

/**
 * Makes a message a plain Uint8Array, whose `slice` copies, unlike a Buffer's. A small one gets memory of its own, so
 * that a part that is kept does not keep the rest.
 */
function plain(message: Buffer): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = message;
  return length * 2 < buffer.byteLength || !(buffer instanceof ArrayBuffer)
    ? new Uint8Array(message)
    : new Uint8Array(buffer, byteOffset, length);
}

/** Milliseconds between two looks at what waits. */
const TICK = 500;

/** Ticks without an answer, while something waits for one, after which a connection ends: two seconds. */
const TIMEOUT_TICKS = 4;

/** Ticks between pings of a connection that has nothing to do: two seconds. */
const PING_TICKS = 4;

/** Commands without an answer: what a busy node sends in some milliseconds. */
const MAX_UNANSWERED = 10_000;

/** Bytes of commands without an answer: some of the largest messages, which even a slow network carries in time. */
const MAX_UNANSWERED_BYTES = 8 * MAX_BUS_MESSAGE;

/** Characters of what Redis says about an error. */
const MAX_REASON = 200;

const WRONG_TYPE = "WRONGTYPE";

/** Errors of the whole server, not of one command: it is starting, is out of memory or disk, or follows another. */
const AWAY_CODES: ReadonlySet<string> = new Set(
  ["LOADING", "READONLY", "OOM", "MISCONF", "MASTERDOWN", "NOREPLICAS", "CLUSTERDOWN", "BUSY"]
    .concat("NOAUTH"),
);
