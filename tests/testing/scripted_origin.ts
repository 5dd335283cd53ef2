import { FramingError } from "./byte_reader.ts";
import { ScriptedConnection, type ScriptedExchange } from "./scripted_exchange.ts";
import { within } from "./within.ts";

/** Requests that wait to be taken by `next`; more than any story sends without looking. */
const MAX_UNTAKEN = 1_000;

/** Answers one request, or misbehaves; the connection takes the next one after `answer`. */
export type Script = (exchange: ScriptedExchange) => void | Promise<void>;

/** Listens as an origin that does with each byte exactly what the test says. */
export class ScriptedOrigin implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #script: Script | undefined;
  readonly #connections = new Map<ScriptedConnection, Promise<void>>();
  readonly #accepting: Promise<void>;
  readonly #untaken: ScriptedExchange[] = [];
  readonly #errors: unknown[] = [];
  #takers: ((exchange: ScriptedExchange) => void)[] = [];
  #requestCount = 0;
  #connectionCount = 0;

  private constructor(listener: Deno.TcpListener, script: Script | undefined) {
    this.#listener = listener;
    this.#script = script;
    this.#accepting = this.#acceptAll();
  }

  /** Listens and runs the script for each request; without one, `next` gives the requests to the test. */
  static start(script?: Script, { port = 0 } = {}): ScriptedOrigin {
    return new ScriptedOrigin(Deno.listen({ hostname: "127.0.0.1", port }), script);
  }

  /** Listens and gives every request the same answer, written as it stands. */
  static answering(bytes: string | Uint8Array): ScriptedOrigin {
    return ScriptedOrigin.start((exchange) => exchange.answer(bytes));
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Requests whose head has arrived so far. */
  get requestCount(): number {
    return this.#requestCount;
  }

  /** Connections accepted so far. */
  get connectionCount(): number {
    return this.#connectionCount;
  }

  /** Returns the next request, waiting for its head only. */
  async next(): Promise<ScriptedExchange> {
    const waiting = this.#untaken.shift();
    if (waiting !== undefined) return waiting;
    const { promise, resolve } = Promise.withResolvers<ScriptedExchange>();
    this.#takers.push(resolve);
    return await within(promise, "a request at the origin");
  }

  /** Closes everything, and throws what scripts have thrown. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections.keys()) connection.close();
    await this.#accepting;
    await Promise.all(this.#connections.values());
    if (this.#errors.length > 0) {
      throw new AggregateError(this.#errors, "the origin's script failed");
    }
  }

  async #acceptAll(): Promise<void> {
    try {
      for await (const socket of this.#listener) {
        this.#connectionCount++;
        socket.setNoDelay(true);
        const connection = new ScriptedConnection(socket);
        const serving = this.#serve(connection);
        this.#connections.set(connection, serving);
        serving.finally(() => this.#connections.delete(connection));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) this.#errors.push(error);
    }
  }

  async #serve(connection: ScriptedConnection): Promise<void> {
    try {
      for await (const exchange of connection) {
        this.#requestCount++;
        this.#offer(exchange);
        await this.#script?.(exchange);
        await exchange.over;
      }
    } catch (error) {
      if (!isOfConnection(error)) this.#errors.push(error);
    } finally {
      connection.close();
    }
  }

  #offer(exchange: ScriptedExchange): void {
    const taker = this.#takers.shift();
    if (taker !== undefined) taker(exchange);
    else if (this.#untaken.length < MAX_UNTAKEN) this.#untaken.push(exchange);
  }
}

/** Tells what the other side's leaving causes from what a script did wrong. */
function isOfConnection(error: unknown): boolean {
  return error instanceof FramingError && error.code === "truncated" ||
    error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.Interrupted;
}
