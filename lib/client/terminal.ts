import { authorityOf } from "../net/authority.ts";
import { escapeUnsafe } from "../cli/safe_text.ts";
import type { RefusedVisitors, ServingClients } from "../wire/notice.ts";
import type { ClientOptions } from "./options.ts";
import type { HostAdvice } from "./services/local_http/host_check.ts";
import type { TunnelClientEvents } from "./tunnel_client.ts";

/** Where the local service is and how the servers are reached, which the lines name. */
export type TerminalOptions = Pick<ClientOptions, "host" | "port" | "proxies">;

const BOLD = "\x1b[1m";
const DIM = "\x1b[2m";
const RESET = "\x1b[0m";

/**
 * Tells the person or the script at the terminal how the tunnel is: public URLs alone on standard
 * output, one a line, everything else on standard error.
 */
export class Terminal implements TunnelClientEvents {
  readonly #origin: string;
  readonly #proxies: TerminalOptions["proxies"];
  readonly #urls = new Set<string>();
  /** Said once: a program that sends one such request sends many. */
  #hasToldOfGetBody = false;
  readonly #colour = Deno.stderr.isTerminal() && !Deno.noColor;

  constructor(options: TerminalOptions) {
    this.#origin = `http://${authorityOf(options)}`;
    this.#proxies = options.proxies;
  }

  onOnline(server: string, url: string): void {
    if (this.#urls.has(url)) {
      this.#line(`connected to ${server} again`);
      return;
    }
    this.#urls.add(url);
    const shown = Deno.stdout.isTerminal() && !Deno.noColor ? `${BOLD}${url}${RESET}` : url;
    write(Deno.stdout, shown);
    const proxy = this.#proxies.get(server);
    const way = proxy === undefined ? "" : ` through the proxy ${authorityOf(proxy)}`;
    this.#line(`connected to ${server}${way}, serving ${this.#origin}`);
  }

  onNameLost(server: string, name: string): void {
    this.#line(`the name ${name} belongs to another key at ${server} now: going on without it`);
  }

  onLeaving(server: string, reason: string): void {
    this.#line(`told to leave ${server}: ${reason}; serving until it closes the connection`);
  }

  onOffline(server: string, reason: string, isLast: boolean): void {
    this.#line(`not connected to ${server}${isLast ? "" : ", trying again"}: ${reason}`);
  }

  onStillOffline(server: string, reason: string): void {
    this.#line(`still not connected to ${server}, trying again: ${reason}`);
  }

  onSharing(server: string, { count, different }: ServingClients): void {
    if (count === 1) {
      this.#line(`no other client shares this tunnel at ${server} any more`);
    } else if (different === 0) {
      this.#line(`${count} clients share this tunnel at ${server}: requests are spread over them`);
    } else {
      this.warn(
        `${count} clients with this key share the URL at ${server}, and ${different} of the others ` +
          "serve something else: visitors get any of them. To give one a URL of its own, start it " +
          "with --label",
      );
    }
  }

  onNotice(_server: string, refused: readonly RefusedVisitors[]): void {
    if (this.#hasToldOfGetBody || !refused.some(({ reason }) => reason === "get-body")) return;
    this.#hasToldOfGetBody = true;
    this.warn(
      "a visitor sent a GET or HEAD with a body and got 400, for the server cannot carry that: " +
        "such requests must be sent with POST, which Elasticsearch takes for a search too",
    );
  }

  keyMade(path: string): void {
    this.#line(`made the key ${path}: keep a copy, the public address belongs to it`);
  }

  /** Tells what to set in the local service so that it takes visitors of the public URL. */
  advise(advice: HostAdvice): void {
    const [url] = this.#urls;
    if (url !== undefined) this.warn(advice(new URL(url)));
  }

  warn(text: string): void {
    this.#line(`warning: ${text}`);
  }

  inspecting(url: string): void {
    this.#line(`inspector at ${url}`);
  }

  stopping(): void {
    this.#line("stopping: requests in flight may finish");
  }

  #line(text: string): void {
    const time = new Date().toTimeString().slice(0, 8);
    // A server's words may be in it, and must not drive the terminal.
    const safe = escapeUnsafe(text);
    write(Deno.stderr, this.#colour ? `${DIM}${time}${RESET} ${safe}` : `${time} ${safe}`);
  }
}

function write(stream: { writeSync(bytes: Uint8Array): number }, line: string): void {
  try {
    stream.writeSync(new TextEncoder().encode(`${line}\n`));
  } catch {
    // The pipe is closed, which must not end the tunnel.
  }
}
