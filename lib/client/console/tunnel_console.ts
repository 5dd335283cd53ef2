import { authorityOf } from "../../net/authority.ts";
import { durationText } from "../../cli/measures.ts";
import type { RefusedVisitors, ServingClients } from "../../wire/notice.ts";
import type { RegistrationError } from "../../wire/registration_error.ts";
import type { ClientOptions } from "../options.ts";
import { refusalAdvice } from "../refusal_advice.ts";
import type { HostAdvice } from "../services/local_http/host_check.ts";
import { serviceName } from "../services/service_spec.ts";
import type { TunnelClientEvents } from "../tunnel_client.ts";
import type { ConsoleVoice } from "./console_voice.ts";
import { RefusalLines } from "./refusal_lines.ts";
import type { StartPanel } from "./start_panel.ts";

/** What is told of a tunnel, of its own or of what it is published with. */
export interface ToldTunnel extends Pick<ClientOptions, "tunnel" | "service" | "proxies"> {}

export interface TunnelConsoleOptions {
  readonly voice: ConsoleVoice;
  readonly panel: StartPanel;
  readonly isTerminal: boolean;
  /** Hears of the first public URL. */
  readonly onFirstURL: (url: string) => void;
}

/** Tells how one tunnel is, and how what answers in it is. */
export class TunnelConsole implements TunnelClientEvents, Disposable {
  readonly #tunnel: ToldTunnel;
  readonly #options: TunnelConsoleOptions;
  readonly #voice: ConsoleVoice;
  readonly #service: string;
  readonly #urls = new Set<string>();
  readonly #refusals: RefusalLines;
  /** Whether its only address answers; null when nobody has looked yet. */
  #isServiceUp: boolean | null = null;
  /** Addresses of services that were there, and are not. */
  readonly #lostServices = new Set<string>();
  #isSilent = false;

  constructor(tunnel: ToldTunnel, options: TunnelConsoleOptions) {
    this.#tunnel = tunnel;
    this.#options = options;
    this.#voice = options.voice;
    this.#service = serviceName(tunnel.service);
    this.#refusals = new RefusalLines((sentence, refused) =>
      this.#voice.warnOf("refused", sentence, { ...refused })
    );
  }

  onOnline(server: string, url: string): void {
    if (this.#isSilent) return;
    const { panel, isTerminal } = this.#options;
    const proxy = this.#tunnel.proxies.get(server);
    const way = proxy === undefined ? "" : ` through the proxy ${authorityOf(proxy)}`;
    const isFirst = this.#urls.size === 0;
    const isKnown = this.#urls.has(url);
    this.#urls.add(url);
    const isShown = panel.show(url, {
      name: this.#tunnel.tunnel,
      service: this.#service,
      isServiceUp: this.#isServiceUp,
    });
    const sentence = isKnown
      ? `connected to ${server} again${way}`
      : `connected to ${server}${way}, serving ${this.#service}`;
    if (!isShown || !isTerminal) this.#voice.tell("info", "online", sentence, { server, url });
    if (isFirst) this.#options.onFirstURL(url);
  }

  onNameLost(server: string, name: string): void {
    const sentence =
      `the name ${name} belongs to another key at ${server} now: going on without it`;
    this.#voice.tell("warn", "name", sentence, { server, name });
  }

  onLeaving(server: string, reason: string): void {
    const sentence = `told to leave ${server}: ${reason}; serving until it closes the connection`;
    this.#voice.tell("info", "leaving", sentence, { server, reason });
  }

  onOffline(server: string, reason: string, wait: number | null): void {
    if (this.#isSilent) return;
    const sentence = `not connected to ${server}${again(wait)}: ${reason}`;
    this.#voice.tell("warn", "offline", sentence, { server, reason });
  }

  onStillOffline(server: string, reason: string, wait: number): void {
    const sentence = `still not connected to ${server}${again(wait)}: ${reason}`;
    this.#voice.tell("warn", "offline", sentence, { server, reason });
  }

  onNotice(_server: string, refused: readonly RefusedVisitors[]): void {
    for (const kind of refused) this.#refusals.add(kind);
  }

  onSharing(server: string, { count, different }: ServingClients): void {
    if (this.#isSilent) return;
    const isWrong = different > 0;
    const sentence = isWrong
      ? `${count} clients with this key share the URL at ${server}, and ${different} of the others ` +
        `${different === 1 ? "serves" : "serve"} something else: visitors get ` +
        "any of them. To give one a URL of its own, start it with --label"
      : count === 1
      ? `no other client shares this tunnel at ${server} any more`
      : `${count} clients share this tunnel at ${server}: requests are spread over them`;
    const fields = { server, count, different };
    if (isWrong) this.#voice.warnOf("sharing", sentence, fields);
    else this.#voice.tell("info", "sharing", sentence, fields);
  }

  /** A server refuses the tunnel for good. */
  refused(error: RegistrationError): void {
    const { code } = error;
    this.#voice.tell("error", "denied", `the server refused: ${refusalAdvice(error)}`, { code });
  }

  /** Tells what to set in the local service so that it takes visitors of the public URL. */
  advise(advice: HostAdvice): void {
    const [url] = this.#urls;
    if (url !== undefined) this.warn(advice(new URL(url)));
  }

  /** The first look at the services: whether anything listens at each address. */
  servicesSeen(seen: ReadonlyMap<string, boolean>): void {
    const [isUp = null] = seen.size === 1 ? seen.values() : [];
    this.#isServiceUp = isUp;
    if (isUp !== null && this.#options.isTerminal) return;
    for (const [address, isUp] of seen) {
      const sentence = `nothing listens at ${address} yet: visitors get 502`;
      if (!isUp) this.#voice.tell("warn", "service", sentence, { isUp });
    }
  }

  serviceDown(address: string): void {
    this.#lostServices.add(address);
    const sentence = `nothing listens at ${address} any more: visitors get 502`;
    this.#voice.tell("warn", "service", sentence, { isUp: false });
  }

  serviceUp(address: string): void {
    const again = this.#lostServices.delete(address) ? " again" : "";
    this.#voice.tell("info", "service", `${address} answers${again}`, { isUp: true });
  }

  /** Warns of something. */
  warn(text: string, mistake?: Error): void {
    this.#voice.warn(text, mistake);
  }

  /** Says nothing more of connections: another tunnel takes the place of this one. */
  silence(): void {
    this.#isSilent = true;
  }

  /** Tells what is left to tell. */
  [Symbol.dispose](): void {
    this.#refusals.close();
  }
}

/** Milliseconds of a wait that is worth telling. */
const LONG_WAIT = 1_000;

function again(wait: number | null): string {
  if (wait === null) return "";
  return wait < LONG_WAIT ? ", trying again" : `, trying again in ${durationText(wait)}`;
}
