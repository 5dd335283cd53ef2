import { messageOf } from "../../cli/safe_text.ts";
import type { Log } from "../../cli/log.ts";
import { Specimens } from "../../mux/v8_memory.ts";
import type { Certificate } from "../tls/certificate_source.ts";
import { Disconnects } from "./disconnects.ts";
import { type ServeSocket, ServeVisit } from "./serve_visit.ts";
import type { Answer, RequestObserver, VisitHandler } from "./visit.ts";

/** Milliseconds before listening again after the process ran out of file descriptors. */
const RELISTEN_AFTER = 200;

/** Milliseconds before that after a socket was shut to be replaced: its port is free as soon as the system has closed it. */
const REPLACE_AFTER = 1;

export interface ServeListenerOptions {
  readonly hostname: string;
  /** 0 lets the system choose; the choice is kept when the listener must be made anew. */
  readonly port: number;
  /** Lets other sockets of this user, of this process too, listen on the port as well; each connection goes to one of them. */
  readonly reusePort: boolean;
  /** For HTTPS with HTTP/1.1 and HTTP/2. */
  readonly tls: Certificate | null;
  readonly handler: VisitHandler;
  readonly observers: readonly RequestObserver[];
  readonly log: Log;
}

/** Says that a port cannot be listened on; its cause is what the system said. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly code = "CANNOT_LISTEN";
  constructor(readonly port: number, cause: unknown) {
    super(`cannot listen on port ${port}: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Listens with `Deno.serve`, and again when that gave up: one socket more than the process may open ends its
 * accept loop for good (Deno issue 10148), while the connections that it had live on.
 */
export class ServeListener {
  readonly #options: ServeListenerOptions;
  #socket: Socket;
  #tls: Certificate | null;
  /** Sockets that another one has replaced, until they are shut. */
  readonly #replaced = new Set<Socket>();
  #stopped = false;
  readonly #specimens = new Specimens();
  readonly #disconnects = new Disconnects();

  /** Starts to listen. @throws {ListenError} when it cannot. */
  constructor(options: ServeListenerOptions) {
    this.#options = options;
    this.#tls = options.tls;
    try {
      this.#socket = this.#serve(options.port);
    } catch (cause) {
      throw new ListenError(options.port, cause);
    }
  }

  get port(): number {
    return this.#socket.server.addr.port;
  }

  /** Stops accepting at once and resolves when the requests in flight are answered; `Deno.serve` closes every WebSocket at once. */
  async shutdown(): Promise<void> {
    this.#stopped = true;
    await Promise.all([this.#socket, ...this.#replaced].map(shut));
    this.#disconnects.close();
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
   * Serves with another certificate, which `check` has found good. `Deno.serve` cannot change its own, so another
   * socket takes its place: beside it where the port can be shared, else right after it was shut.
   *
   * @returns what shuts the old socket as `shutdown` does, when that was not done already.
   */
  renew(tls: Certificate): () => Promise<void> {
    if (this.#stopped) return () => Promise.resolve();
    const old = this.#socket;
    const { port } = old.server.addr;
    this.#tls = tls;
    old.isRetired = true;
    this.#replaced.add(old);
    const shutOld = async (): Promise<void> => {
      await shut(old);
      this.#replaced.delete(old);
    };
    const shutting = this.#options.reusePort ? null : shutOld();
    try {
      this.#socket = this.#serve(port);
    } catch {
      this.#relisten(port, REPLACE_AFTER);
    }
    return shutting === null ? shutOld : () => shutting;
  }

  #serve(port: number): Socket {
    const { hostname, reusePort, log } = this.#options;
    const tls = this.#tls;
    const state = { isRetired: false, isShut: false };
    const host = { ...this.#options, disconnects: this.#disconnects };
    const server = Deno.serve({
      hostname,
      port,
      reusePort,
      onListen: () => {},
      ...(tls === null ? {} : { cert: tls.cert, key: tls.key }),
    }, (request, info) => {
      const visit = new ServeVisit(host, request, info.remoteAddr, state);
      this.#specimens.keep(info, visit);
      return this.#respond(visit);
    });
    const again = (reason: string): void => {
      if (this.#stopped || state.isRetired) return;
      log.error("the listener ended and is opened again", { reason });
      this.#relisten(port === 0 ? server.addr.port : port);
    };
    server.finished.then(() => again("it stopped by itself"), (error) => again(messageOf(error)));
    return Object.assign(state, { server });
  }

  async #respond(visit: ServeVisit): Promise<Response> {
    const { handler } = this.#options;
    let answer: Answer | null = null;
    try {
      answer = await handler.handle(visit);
      return visit.respond(answer);
    } catch (error) {
      if (answer !== null) abandon(answer);
      return visit.respond(handler.failed(visit, error));
    }
  }

  /** Listens after so many milliseconds, and else after twice as many. */
  #relisten(port: number, after = RELISTEN_AFTER): void {
    setTimeout(() => {
      if (this.#stopped) return;
      try {
        this.#socket = this.#serve(port);
      } catch (error) {
        if (after === RELISTEN_AFTER) {
          this.#options.log.error("cannot listen", { port, reason: messageOf(error) });
        }
        this.#relisten(port, Math.min(2 * after, RELISTEN_AFTER));
      }
    }, after);
  }
}

interface Socket extends ServeSocket {
  readonly server: Deno.HttpServer<Deno.NetAddr>;
  isRetired: boolean;
  isShut: boolean;
}

/** Gives up an answer that cannot be sent. */
function abandon({ body }: Answer): void {
  if (body !== null && !(body instanceof Uint8Array)) body.cancel();
}

async function shut(socket: Socket): Promise<void> {
  socket.isShut = true;
  await socket.server.shutdown();
}
