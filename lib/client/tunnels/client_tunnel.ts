import type { SigningKey } from "../../identity/key.ts";
import { type ClientMark, newClientMark } from "../../identity/client_mark.ts";
import { isGuarded, makeVisitorPolicy } from "../../identity/visitor_policy.ts";
import type { Heartbeat } from "../../mux/heartbeat.ts";
import { readAuthorities } from "../authority_file.ts";
import type { ClientConsole } from "../console/client_console.ts";
import { ServiceWatches } from "../console/service_watches.ts";
import type { TunnelConsole } from "../console/tunnel_console.ts";
import type { Recorded } from "../inspector/inspector.ts";
import type { ClientOptions } from "../options.ts";
import { withDestinations } from "../services/destinations/destination_service.ts";
import { openService } from "../services/open_service.ts";
import { rewriting } from "../services/rewriting/rewriting_service.ts";
import type { Service } from "../services/service.ts";
import { originsOf, serviceName } from "../services/service_spec.ts";
import { TunnelClient, type TunnelClientEvents } from "../tunnel_client.ts";
import { visitorRules } from "../visitor_flags.ts";
import type { Recorder } from "./recorder.ts";

/** What the tunnels of a process share. */
export interface SharedParts {
  readonly key: SigningKey;
  readonly heartbeat: Heartbeat;
  readonly console: ClientConsole;
  readonly recorder: Recorder;
}

/** One tunnel of this program: what answers in it, who watches that, and the connections to its servers. */
export class ClientTunnel {
  /** Resolves once a first server has taken it. */
  readonly online: Promise<void>;
  readonly options: ClientOptions;
  readonly console: TunnelConsole;
  readonly #client: TunnelClient;
  readonly #watches: ServiceWatches;
  readonly #recorded: Recorded;
  readonly #mark: ClientMark;

  private constructor(
    parts: Pick<ClientTunnel, "options" | "console" | "online"> & {
      readonly client: TunnelClient;
      readonly watches: ServiceWatches;
      readonly recorded: Recorded;
      readonly mark: ClientMark;
    },
  ) {
    this.options = parts.options;
    this.console = parts.console;
    this.online = parts.online;
    this.#client = parts.client;
    this.#watches = parts.watches;
    this.#recorded = parts.recorded;
    this.#mark = parts.mark;
  }

  /**
   * Makes a tunnel, which may take the place of an earlier one: servers count both as one client.
   *
   * @throws {ProgramError} for a file or a folder that cannot be read.
   */
  static async open(
    options: ClientOptions,
    { key, heartbeat, console: client, recorder }: SharedParts,
    earlier: ClientTunnel | null = null,
  ): Promise<ClientTunnel> {
    const console = client.tunnelConsole(options);
    const watches = new ServiceWatches({
      origins: originsOf(options.service),
      onDown: (address) => console.serviceDown(address),
      onUp: (address) => console.serviceUp(address),
    });
    const authorities = options.serverCa === null ? [] : await readAuthorities(options.serverCa);
    const local = await openLocal(options, { console, watches });
    // Where nobody is told, the service is not troubled with a connection that asks for nothing.
    if (client.exchanges !== null) console.servicesSeen(await watches.start());
    const policy = await makeVisitorPolicy(visitorRules(options), key);
    const own = await newClientMark(serviceName(options.service), key);
    const mark = earlier === null ? own : { ...own, client: earlier.#mark.client };
    const { events, online } = heard(console);
    const recorded = recorder.add({
      ...{ name: options.tunnel, service: local, serviceName: serviceName(options.service) },
      ...{ servers: options.servers, events },
    }, options.isInspected);
    const parts = { ...options, authorities, service: recorded.service, key, policy, mark };
    return new ClientTunnel({
      ...{ options, console, online, watches, recorded, mark },
      client: new TunnelClient({ ...parts, heartbeat }, recorded.events),
    });
  }

  /** Exchanges that are under way. */
  get load(): number {
    return this.#client.load;
  }

  /** Runs until it is stopped, as {@linkcode TunnelClient.run} does. */
  async run(): Promise<boolean> {
    try {
      return await this.#client.run();
    } finally {
      this.#watches[Symbol.dispose]();
      this.console[Symbol.dispose]();
    }
  }

  /** Is the one that is looked at again, after another one of its name could not take its place. */
  show(): void {
    this.#recorded.show();
  }

  /** Takes no new streams, lets those in flight finish for at most ten seconds, and ends `run`. */
  async stop(): Promise<void> {
    await this.#client.stop();
  }

  /** Ends everything at once. */
  close(): void {
    this.#client.close();
  }
}

async function openLocal(
  options: ClientOptions,
  { console, watches }: { readonly console: TunnelConsole; readonly watches: ServiceWatches },
): Promise<Service> {
  const { originCa, insecureOrigin: isInsecure, service } = options;
  const authorities = originCa === null ? [] : await readAuthorities(originCa);
  const trust = { authorities, isInsecure };
  const onTrouble = (text: string, mistake?: Error): void => console.warn(text, mistake);
  const opened = openService(service, {
    ...options,
    ...{ trust, onTrouble },
    onHostRefused: (advice) => console.advise(advice),
    onUnreachable: (address) => watches.failed(address),
  });
  const { allowDestination: allow, denyDestination: deny } = options;
  if (allow.length > 0 && !isGuarded(options)) console.warn(OPEN_DESTINATIONS);
  return rewriting(withDestinations(opened, { allow, deny, trust, onTrouble }), options);
}

const OPEN_DESTINATIONS =
  "EVERYBODY who knows the public URL can send requests from this machine to the destinations of " +
  "--allow-destination: let some in alone, with --basic-auth or --allow-ip";

/** Lets a promise hear, beside the console, when the tunnel is online. */
function heard(
  console: TunnelConsole,
): { readonly events: TunnelClientEvents; readonly online: Promise<void> } {
  const online = Promise.withResolvers<void>();
  const events: TunnelClientEvents = {
    onOnline(server, url) {
      console.onOnline(server, url);
      online.resolve();
    },
    onLeaving: (server, reason) => console.onLeaving(server, reason),
    onOffline: (server, reason, wait) => console.onOffline(server, reason, wait),
    onStillOffline: (server, reason, wait) => console.onStillOffline(server, reason, wait),
    onNameLost: (server, name) => console.onNameLost(server, name),
    onNotice: (server, refused) => console.onNotice(server, refused),
    onSharing: (server, clients) => console.onSharing(server, clients),
  };
  return { events, online: online.promise };
}
