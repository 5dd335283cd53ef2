import { systemReason } from "../../net/system_reason.ts";
import { Specimens } from "../../mux/v8_memory.ts";
import type { Certificate } from "../tls/certificate_source.ts";
import { Disconnects } from "./disconnects.ts";
import { type Listener, type ListenerOptions, ListenError } from "./listener.ts";
import { type ServeSocket, ServeVisit } from "./serve_visit.ts";
import type { Answer } from "./visit.ts";

/** Milliseconds before listening again after the process ran out of file descriptors. */
const RELISTEN_AFTER = 200;

/** Milliseconds before that after a socket was shut to be replaced: its port is free as soon as the system has closed it. */
const REPLACE_AFTER = 1;

/**
 * Listens with `Deno.serve`, and again when that gave up: one socket more than the process may open ends its
 * accept loop for good (Deno issue 10148), while the connections that it had live on.
 */
export class ServeListener implements Listener {
  readonly #options: ListenerOptions;
  #socket: Socket;
  #tls: Certificate | null;
  /** Sockets that another one has replaced, until they are shut. */
  readonly #replaced = new Set<Socket>();
  #stopped = false;
  readonly #specimens = new Specimens();
  readonly #disconnects = new Disconnects();

  /** Starts to listen. @throws {ListenError} when it cannot. */
  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#tls = options.tls;
    try {
      this.#socket = this.#serve(options.port);
    } catch (cause) {
      throw new ListenError(options, cause);
    }
  }

  get port(): number {
    return this.#socket.server.addr.port;
  }

  /** Also closes every WebSocket at once, as `Deno.serve` does. */
  async shutdown(): Promise<void> {
    this.#stopped = true;
    await Promise.all([this.#socket, ...this.#replaced].map(shut));
    this.#disconnects.close();
  }

  dismiss(): void {
    this.#socket.isLeaving = true;
  }

  async check(tls: Certificate): Promise<void> {
    const trial = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...tls },
      () => new Response(),
    );
    await trial.shutdown();
  }

  /**
   * `Deno.serve` cannot change its certificate, so another socket takes its place: beside it where the port can be
   * shared, else right after it was shut.
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
    const scheme: ServeSocket["scheme"] = tls === null ? "http" : "https";
    const state = { scheme, isRetired: false, isLeaving: false };
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
    server.finished.then(
      () => again("it stopped by itself"),
      (error) => again(systemReason(error)),
    );
    return Object.assign(state, { server });
  }

  #respond(visit: ServeVisit): Response | Promise<Response> {
    try {
      const handling = this.#options.handler.handle(visit);
      return handling instanceof Promise
        ? handling.then((answer) => this.#send(visit, answer), (error) => this.#fail(visit, error))
        : this.#send(visit, handling);
    } catch (error) {
      return this.#fail(visit, error);
    }
  }

  #send(visit: ServeVisit, answer: Answer): Response {
    try {
      return visit.respond(answer);
    } catch (error) {
      abandon(answer);
      return this.#fail(visit, error);
    }
  }

  #fail(visit: ServeVisit, error: unknown): Response {
    return visit.respond(this.#options.handler.failed(visit, error));
  }

  /** Listens after so many milliseconds, and else after twice as many. */
  #relisten(port: number, after = RELISTEN_AFTER): void {
    setTimeout(() => {
      if (this.#stopped) return;
      try {
        this.#socket = this.#serve(port);
      } catch (error) {
        if (after === RELISTEN_AFTER) {
          this.#options.log.error("cannot listen", { port, reason: systemReason(error) });
        }
        this.#relisten(port, Math.min(2 * after, RELISTEN_AFTER));
      }
    }, after);
  }
}

interface Socket extends ServeSocket {
  readonly server: Deno.HttpServer<Deno.NetAddr>;
  isRetired: boolean;
  isLeaving: boolean;
}

/** Gives up an answer that cannot be sent. */
function abandon({ body }: Answer): void {
  if (body !== null && !(body instanceof Uint8Array)) body.cancel();
}

async function shut(socket: Socket): Promise<void> {
  socket.isLeaving = true;
  await socket.server.shutdown();
}
