import { eventually } from "./eventually.ts";
import { toBytes, toText } from "./latin1.ts";
import { Pacing } from "./pacing.ts";

/**
 * Requests under way at once. Where answers take longer, as on a machine with too much to do, the rate falls: it must
 * not come near the 500 that a server allows one visitor at a tunnel, and that are the subject of other tests.
 */
const MAX_IN_FLIGHT = 200;

/** Milliseconds until a request without an answer has failed: more than a server lets one wait. */
const TIMEOUT = 15_000;

/** Milliseconds before a request is sent again: what closes a connection may be about to close the next one as well. */
const RETRY_AFTER = 20;

/** Bytes of the longest answer. */
const MAX_ANSWER = 64 * 1024;

/** Characters shown of an answer that is none of the origin's. */
const MAX_SHOWN = 100;

/** Failures that are kept with their reason. */
const MAX_FAILURES = 100;

export interface SteadyLoadOptions {
  /** Requests a second, as long as not too many are under way. */
  readonly rate: number;
  /** Says to which port of this machine the next request goes. */
  readonly port: () => number;
  /** What is sent as Host. */
  readonly host: string;
  /** @default "/" */
  readonly target?: string;
  /** What an answer of status 200 contains. */
  readonly expected: string;
  /** Connects a visitor to a port of this machine. @default over plain TCP */
  readonly connect?: (port: number) => Promise<Deno.Conn>;
  /** Of so many requests one opens a connection of its own, the others use one that is kept; 0 for none. @default 20 */
  readonly freshOneIn?: number;
}

/** A request that failed. */
export interface Failure {
  /** The clock of `performance.now()` when it began. */
  readonly began: number;
  /** `refused` when nobody listened, `status 503: …` and the like, `closed`, `timeout`, or another error's text. */
  readonly reason: string;
}

/** What became of the requests. */
export interface LoadReport {
  /** Requests that were answered or failed. */
  readonly made: number;
  readonly failed: number;
  /** The first of them. */
  readonly failures: readonly Failure[];
  /** Failures by reason. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Requests that were sent again, since a kept connection had been closed. */
  readonly retriedKept: number;
  /** Requests that were sent again, since a new connection was closed before any byte of an answer. */
  readonly retriedFresh: number;
  /** Milliseconds that the slowest answer took. */
  readonly slowest: number;
  /** Requests a second. */
  readonly rate: number;
}

/**
 * Visits a tunnel with GET requests at a steady rate, until it is stopped, and counts what becomes of them.
 *
 * A request is sent once more when its connection was closed before any byte of an answer came, as RFC 9110 section
 * 9.2.2 allows for GET and every browser and proxy does on a connection that it kept (RFC 9112 section 9.3.1): a server
 * that stops must close idle connections at some moment, and the request may be on its way. Nothing else is repeated.
 */
export class SteadyLoad implements AsyncDisposable {
  readonly #options: Required<SteadyLoadOptions>;
  readonly #kept = new Map<number, VisitorConnection[]>();
  readonly #failures: Failure[] = [];
  readonly #reasons = new Map<string, number>();
  readonly #pacing: Pacing;
  #made = 0;
  #failed = 0;
  #retriedKept = 0;
  #retriedFresh = 0;
  #slowest = 0;
  #stopped: Promise<LoadReport> | undefined;

  private constructor(options: SteadyLoadOptions) {
    this.#options = { target: "/", freshOneIn: 20, connect: connectPlainly, ...options };
    const { rate, freshOneIn } = this.#options;
    this.#pacing = new Pacing(
      (index) => this.#visit(freshOneIn > 0 && index % freshOneIn === 0),
      { rate, maxInFlight: MAX_IN_FLIGHT },
    );
  }

  static start(options: SteadyLoadOptions): SteadyLoad {
    return new SteadyLoad(options);
  }

  /** Requests that were answered or failed so far. */
  get made(): number {
    return this.#made;
  }

  /** Requests that failed so far. */
  get failed(): number {
    return this.#failed;
  }

  /** Resolves when so many requests more were answered or failed. */
  async more(count: number): Promise<void> {
    const goal = this.#made + count;
    await eventually(`${count} requests more`, () => this.#made >= goal);
  }

  /** Begins no more requests, waits for those under way and tells what became of all. */
  stop(): Promise<LoadReport> {
    return this.#stopped ??= this.#finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #finish(): Promise<LoadReport> {
    const rate = await this.#pacing.stop();
    for (const connections of this.#kept.values()) {
      for (const connection of connections) connection.close();
    }
    return {
      made: this.#made,
      failed: this.#failed,
      failures: this.#failures,
      reasons: Object.fromEntries(this.#reasons),
      retriedKept: this.#retriedKept,
      retriedFresh: this.#retriedFresh,
      slowest: Math.round(this.#slowest),
      rate: Math.round(rate),
    };
  }

  async #visit(isFresh: boolean): Promise<void> {
    const began = performance.now();
    try {
      await this.#request(isFresh);
      this.#slowest = Math.max(this.#slowest, performance.now() - began);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#failed++;
      this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
      if (this.#failures.length < MAX_FAILURES) this.#failures.push({ began, reason });
    } finally {
      this.#made++;
    }
  }

  async #request(isFresh: boolean): Promise<void> {
    const { connect } = this.#options;
    const port = this.#options.port();
    const kept = isFresh ? undefined : this.#kept.get(port)?.pop();
    try {
      await this.#exchange(port, kept ?? await VisitorConnection.open(port, connect), isFresh);
      return;
    } catch (error) {
      if (!(error instanceof ClosedError)) throw error;
      if (kept === undefined) this.#retriedFresh++;
      else this.#retriedKept++;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER));
    await this.#exchange(port, await VisitorConnection.open(port, connect), isFresh);
  }

  async #exchange(port: number, connection: VisitorConnection, isFresh: boolean): Promise<void> {
    const { target, host, expected } = this.#options;
    const close = isFresh ? "Connection: close\r\n" : "";
    const request = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${close}\r\n`;
    let isKept = false;
    try {
      const { status, head, body } = await connection.exchange(request);
      if (status !== 200) throw new Error(`status ${status}: ${body.slice(-MAX_SHOWN).trim()}`);
      if (!body.includes(expected)) throw new Error("another answer than expected");
      isKept = !isFresh && !/^connection:\s*close/im.test(head);
    } finally {
      if (!isKept) connection.close();
    }
    if (!isKept) return;
    const others = this.#kept.get(port);
    if (others === undefined) this.#kept.set(port, [connection]);
    else others.push(connection);
  }
}

/** Says that a connection was closed before any byte of an answer came. */
class ClosedError extends Error {
  constructor() {
    super("closed");
  }
}

/** What a connection ends with that nobody took. */
const CLOSED = [
  Deno.errors.ConnectionReset,
  Deno.errors.ConnectionAborted,
  Deno.errors.BrokenPipe,
  Deno.errors.UnexpectedEof,
];

async function connectPlainly(port: number): Promise<Deno.Conn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  connection.setNoDelay(true);
  return connection;
}

/** A visitor's connection, with one request at a time. */
class VisitorConnection {
  readonly #connection: Deno.Conn;
  readonly #buffer = new Uint8Array(4 * 1024);
  #isClosed = false;

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  static async open(
    port: number,
    connect: Required<SteadyLoadOptions>["connect"],
  ): Promise<VisitorConnection> {
    try {
      return new VisitorConnection(await connect(port));
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) throw new Error("refused");
      // While TLS shakes hands, a connection that the system had accepted for a socket that shuts ends in one of these ways.
      if (CLOSED.some((kind) => error instanceof kind)) throw new ClosedError();
      throw error;
    }
  }

  /** Sends a request without a body and reads the answer, which has a Content-Length. */
  async exchange(request: string): Promise<{ status: number; head: string; body: string }> {
    const timer = setTimeout(() => this.close(), TIMEOUT);
    let text = "";
    try {
      // A few hundred bytes always fit into the system's buffer.
      await this.#connection.write(toBytes(request));
      while (!isWhole(text)) text += await this.#read();
    } catch (cause) {
      if (this.#isClosed) throw new Error("timeout", { cause });
      if (text === "") throw new ClosedError();
      throw cause;
    } finally {
      clearTimeout(timer);
    }
    const [head = "", body = ""] = text.split("\r\n\r\n", 2);
    return { status: Number(head.split(" ")[1]), head, body };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
  }

  async #read(): Promise<string> {
    const count = await this.#connection.read(this.#buffer);
    if (count === null) throw new Error("cut");
    return toText(this.#buffer.subarray(0, count));
  }
}

function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return false;
  const length = Number(/^content-length:\s*(\d+)/im.exec(text.slice(0, end))?.[1]);
  if (!(length <= MAX_ANSWER)) throw new Error("an answer without a length, or too long");
  return text.length >= end + 4 + length;
}
