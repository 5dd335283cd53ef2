import type { TunnelClientEvents } from "../tunnel_client.ts";
import type { TunnelState } from "./exchange.ts";

type ServerState = TunnelState["servers"][number];

/** A tunnel that somebody may look at. */
export interface WatchedTunnel {
  /** Its name in the config file; empty for the only one. */
  readonly name: string;
  /** What its service is called, such as `http://localhost:3000`. */
  readonly serviceName: string;
  readonly servers: readonly string[];
  /** Hears of the tunnel's state as well. */
  readonly events: TunnelClientEvents;
}

/** Knows how the tunnels of a client are, for those who look at them. */
export class TunnelStatus {
  /** Called when it has changed. */
  onChange: (() => void) | null = null;
  readonly #fixed: Pick<TunnelState, "instance" | "version">;
  /** The servers of each tunnel, by its name. */
  readonly #tunnels = new Map<string, Map<string, ServerState>>();

  constructor(version: string) {
    this.#fixed = { instance: crypto.randomUUID(), version };
  }

  get state(): TunnelState {
    const servers = [...this.#tunnels.values()].flatMap((tunnel) => [...tunnel.values()]);
    const services = new Set(servers.map(({ service }) => service));
    return { ...this.#fixed, service: [...services].join(", "), servers };
  }

  /** Makes what is to hear of a tunnel's state, and what shows the tunnel in the place of one of the same name. */
  add(
    { name, serviceName: service, servers, events }: WatchedTunnel,
  ): { readonly events: TunnelClientEvents; show(): void } {
    const states = new Map(servers.map((server): [string, ServerState] => [
      server,
      { server, tunnel: name, service, state: "connecting", url: null, reason: null },
    ]));
    const set = (server: string, change: Partial<ServerState>): void => {
      const known = states.get(server);
      if (known === undefined) return;
      states.set(server, { ...known, ...change });
      this.onChange?.();
    };
    const hearing: TunnelClientEvents = {
      onOnline(server, url) {
        events.onOnline(server, url);
        set(server, { state: "online", url, reason: null });
      },
      onLeaving(server, reason) {
        events.onLeaving?.(server, reason);
        set(server, { state: "leaving", reason });
      },
      onOffline(server, reason, wait) {
        events.onOffline(server, reason, wait);
        set(server, { state: "offline", reason });
      },
      onStillOffline(server, reason, wait) {
        events.onStillOffline?.(server, reason, wait);
        set(server, { state: "offline", reason });
      },
      onNameLost: (server, name) => events.onNameLost?.(server, name),
      onNotice: (server, refused) => events.onNotice?.(server, refused),
      onSharing: (server, clients) => events.onSharing?.(server, clients),
    };
    const show = (): void => {
      this.#tunnels.set(name, states);
      this.onChange?.();
    };
    return { events: hearing, show };
  }

  /** Forgets a tunnel. */
  remove(name: string): void {
    this.#tunnels.delete(name);
    this.onChange?.();
  }
}
