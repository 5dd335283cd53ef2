import { messageOf } from "../error_text.ts";
import type { Log } from "../log.ts";

/** Milliseconds before listening again after the process ran out of file descriptors. */
const RELISTEN_AFTER = 200;

/** The PEM texts of a certificate chain and its key. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface ListenerOptions {
  readonly hostname: string;
  /** 0 lets the system choose; the choice is kept when the listener must be made anew. */
  readonly port: number;
  /** For HTTPS with HTTP/1.1 and HTTP/2. */
  readonly tls: Certificate | null;
  readonly handler: Deno.ServeHandler<Deno.NetAddr>;
  /** Answers for a handler that threw. */
  readonly onError: (error: unknown) => Response;
  readonly log: Log;
}

/**
 * Listens with `Deno.serve`, and again when that gave up: one socket more than the process may open
 * ends its accept loop for good (B2), while the connections that it had live on.
 */
export class Listener {
  readonly #options: ListenerOptions;
  #server: Deno.HttpServer<Deno.NetAddr>;
  #tls: Certificate | null;
  readonly #retired = new WeakSet<Deno.HttpServer<Deno.NetAddr>>();
  #stopped = false;

  /** Starts to listen. @throws {Deno.errors.AddrInUse | Deno.errors.PermissionDenied | …} when it cannot. */
  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#tls = options.tls;
    this.#server = this.#serve(options.port);
  }

  get port(): number {
    return this.#server.addr.port;
  }

  /** Stops accepting at once and resolves when the requests in flight are answered; every WebSocket is closed (B28). */
  async shutdown(): Promise<void> {
    this.#stopped = true;
    await this.#server.shutdown();
  }

  /** Tries a certificate. @throws {Deno.errors.InvalidData | TypeError} when it cannot be used. */
  async check(tls: Certificate): Promise<void> {
    const trial = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...tls },
      () => new Response(),
    );
    await trial.shutdown();
  }

  /**
   * Serves with another certificate, which `check` has found good. `Deno.serve` cannot change its own, so
   * it is shut and opened again at once: requests in flight are answered, every WebSocket is closed (B28).
   */
  renew(tls: Certificate): void {
    const old = this.#server;
    const { port } = old.addr;
    this.#tls = tls;
    this.#retired.add(old);
    void old.shutdown();
    try {
      this.#server = this.#serve(port);
    } catch {
      this.#relisten(port);
    }
  }

  #serve(port: number): Deno.HttpServer<Deno.NetAddr> {
    const { hostname, handler, onError, log } = this.#options;
    const tls = this.#tls;
    const server = Deno.serve({
      hostname,
      port,
      onListen: () => {},
      onError,
      ...(tls === null ? {} : { cert: tls.cert, key: tls.key }),
    }, handler);
    const again = (reason: string): void => {
      if (this.#stopped || this.#retired.has(server)) return;
      log.error("the listener ended and is opened again", { reason });
      this.#relisten(port === 0 ? server.addr.port : port);
    };
    server.finished.then(() => again("it stopped by itself"), (error) => again(messageOf(error)));
    return server;
  }

  #relisten(port: number): void {
    setTimeout(() => {
      if (this.#stopped) return;
      try {
        this.#server = this.#serve(port);
      } catch (error) {
        this.#options.log.error("cannot listen", { port, reason: messageOf(error) });
        this.#relisten(port);
      }
    }, RELISTEN_AFTER);
  }
}
