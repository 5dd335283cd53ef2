import { authorityOf } from "../../net/authority.ts";
import { SYSTEM_RUNTIME } from "../../cli/system_runtime.ts";
import { escapeUnsafe } from "../../cli/safe_text.ts";
import { coloured, plain } from "../console/paint.ts";
import { forward } from "../library/publish.ts";
import { type Tunnel, TunnelError } from "../library/tunnel.ts";
import type { TunnelOptions } from "../library/tunnel_options.ts";
import type { ViteHTTPServer, ViteServer } from "./vite_server.ts";

/** Milliseconds after which a person is told that no server was reached; it is tried again. */
const PATIENCE = 5_000;

export interface ServerTunnelOptions extends Omit<TunnelOptions, "signal"> {
  /** Whether Vite speaks TLS. */
  readonly isSecure: boolean;
}

/** The tunnel of one of Vite's servers, while that listens. */
export class ServerTunnel {
  readonly #server: ViteServer;
  readonly #options: ServerTunnelOptions;
  readonly #closing = new AbortController();
  #tunnel: Tunnel | null = null;

  constructor(server: ViteServer, options: ServerTunnelOptions) {
    this.#server = server;
    this.#options = options;
    const { httpServer } = server;
    const print = server.printUrls.bind(server);
    server.printUrls = () => {
      print();
      this.#print();
    };
    httpServer?.once("listening", () => {
      const running = this.#run(serviceOf(httpServer, options.isSecure));
      httpServer.once("close", () => {
        this.#closing.abort();
        CLOSING.add(running);
        void running.finally(() => CLOSING.delete(running));
      });
    });
  }

  async #run(service: string): Promise<void> {
    // A Vite that starts itself anew closes a tunnel of the same key first.
    await Promise.all(CLOSING);
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        this.#tunnel = await this.#open(service);
        this.#print();
        await this.#listen(this.#tunnel);
        return;
      } catch (error) {
        if (signal.aborted) return;
        const { message } = error instanceof Error ? error : new Error(String(error));
        if (!(error instanceof TunnelError) || error.code !== "unreachable") {
          return this.#tell("error", `there is no tunnel: ${message}`);
        }
        this.#tell("warn", `${message}; trying again`);
      }
    }
  }

  async #open(service: string): Promise<Tunnel> {
    const { isSecure: insecureOrigin, connectTimeout = PATIENCE, ...options } = this.#options;
    const { signal } = this.#closing;
    return await forward({ ...options, connectTimeout, insecureOrigin, signal }, service);
  }

  /** Tells what happens to a tunnel, until it ends. */
  async #listen(tunnel: Tunnel): Promise<void> {
    tunnel.addEventListener("notice", ({ text }) => this.#tell("warn", text));
    tunnel.addEventListener("offline", ({ server, reason }) => {
      if (!this.#closing.signal.aborted) this.#tell("warn", `lost ${server}: ${reason}`);
    });
    tunnel.addEventListener("online", () => this.#print());
    await tunnel.closed;
  }

  /** Prints where the tunnel is, as Vite prints where it listens itself. */
  #print(): void {
    if (this.#tunnel === null || this.#closing.signal.aborted) return;
    const { base } = this.#server.config;
    for (const url of this.#tunnel.urls) this.#line("Tunnel", new URL(base, `${url}/`).href);
    if (this.#tunnel.inspector !== null) this.#line("Inspect", this.#tunnel.inspector);
  }

  #line(name: string, url: string): void {
    const paint = SYSTEM_RUNTIME.stdout.isTerminal() && !SYSTEM_RUNTIME.noColor ? coloured : plain;
    const label = `${paint("bold", name)}:`.padEnd(LABEL + paint("bold", "").length);
    const line = `  ${paint("green", "➜")}  ${label}${paint("cyan", escapeUnsafe(url))}`;
    this.#server.config.logger.info(line);
  }

  #tell(level: "warn" | "error", sentence: string): void {
    this.#server.config.logger[level](`tunnel: ${escapeUnsafe(sentence)}`);
  }
}

/** Columns from the beginning of a name to its URL, as Vite has them for "Network". */
const LABEL = 9;

/** The tunnels of this process whose servers do not listen any more. */
const CLOSING = new Set<Promise<void>>();

/** Names the service that a server is, by the address that it listens at. */
function serviceOf(server: ViteHTTPServer, isSecure: boolean): string {
  const place = server.address();
  if (place === null || typeof place === "string") return `unix:${place ?? ""}`;
  const host = ANY.get(place.address) ?? place.address;
  return `${isSecure ? "https" : "http"}://${authorityOf({ host, port: place.port })}`;
}

/** Addresses that stand for all of a machine, and one of the same family that can be asked. */
const ANY: ReadonlyMap<string, string> = new Map([["0.0.0.0", "127.0.0.1"], ["::", "::1"]]);
