import type { TunnelClientEvents } from "../tunnel_client.ts";
import type { RefusedVisitors, ServingClients } from "../../wire/notice.ts";
import type { TunnelState } from "./exchange.ts";

type ServerState = TunnelState["servers"][number];

/** Knows how the tunnel is, for those who look at it, and passes on what it hears. */
export class TunnelStatus implements Required<TunnelClientEvents> {
  /** Called when it has changed. */
  onChange: (() => void) | null = null;
  readonly #fixed: Pick<TunnelState, "instance" | "version" | "service">;
  readonly #servers = new Map<string, ServerState>();

  readonly #next: TunnelClientEvents;

  constructor({ version, service, servers, next }: {
    readonly version: string;
    readonly service: string;
    readonly servers: readonly string[];
    readonly next: TunnelClientEvents;
  }) {
    this.#next = next;
    this.#fixed = { instance: crypto.randomUUID(), version, service };
    for (const server of servers) {
      this.#servers.set(server, { server, state: "connecting", url: null, reason: null });
    }
  }

  get state(): TunnelState {
    return { ...this.#fixed, servers: [...this.#servers.values()] };
  }

  onOnline(server: string, url: string): void {
    this.#next.onOnline(server, url);
    this.#set(server, { state: "online", url, reason: null });
  }

  onNameLost(server: string, name: string): void {
    this.#next.onNameLost?.(server, name);
  }

  onLeaving(server: string, reason: string): void {
    this.#next.onLeaving?.(server, reason);
    this.#set(server, { state: "leaving", reason });
  }

  onOffline(server: string, reason: string, wait: number | null): void {
    this.#next.onOffline(server, reason, wait);
    this.#set(server, { state: "offline", reason });
  }

  onStillOffline(server: string, reason: string, wait: number): void {
    this.#next.onStillOffline?.(server, reason, wait);
    this.#set(server, { state: "offline", reason });
  }

  onNotice(server: string, refused: readonly RefusedVisitors[]): void {
    this.#next.onNotice?.(server, refused);
  }

  onSharing(server: string, clients: ServingClients): void {
    this.#next.onSharing?.(server, clients);
  }

  #set(server: string, change: Partial<ServerState>): void {
    const known = this.#servers.get(server);
    if (known === undefined) return;
    this.#servers.set(server, { ...known, ...change });
    this.onChange?.();
  }
}
