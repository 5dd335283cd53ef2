import { encodeNotice, type ServingClients } from "../../wire/notice.ts";
import type { ClientUpstream } from "./client_upstream.ts";

/**
 * Milliseconds after a change in which others may follow, and those that were asked for a sign of life may answer: a
 * client that died without a word and was started again does not count twice.
 */
const SETTLING = 1_000;

export interface ClientCountsOptions {
  /** Returns the connections of the tunnel that has a hostname. */
  readonly upstreamsOf: (hostname: string) => readonly ClientUpstream[];
}

/** Tells the clients of each tunnel on this node how many they are, and how many of them serve something else. */
export class ClientCounts {
  readonly #options: ClientCountsOptions;
  /** Hostnames whose connections are others now, as many at most as there are tunnels. */
  readonly #changed = new Set<string>();
  /** What was told last; nothing was for one that is alone. */
  readonly #told = new WeakMap<ClientUpstream, ServingClients>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(options: ClientCountsOptions) {
    this.#options = options;
  }

  /** Notes that a connection of a tunnel has come or gone, by the hostname that its id makes. */
  changed(hostname: string): void {
    const upstreams = this.#options.upstreamsOf(hostname);
    const concernsNobody = upstreams.length < 2 && !upstreams.some((one) => this.#told.has(one));
    if (this.#isClosed || concernsNobody) return;
    this.#changed.add(hostname);
    this.#timer ??= setTimeout(this.#tell, SETTLING);
  }

  /** Tells nothing more. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#changed.clear();
  }

  readonly #tell = (): void => {
    this.#timer = undefined;
    const hostnames = [...this.#changed];
    this.#changed.clear();
    for (const hostname of hostnames) {
      const upstreams = this.#options.upstreamsOf(hostname);
      const answering = upstreams.filter(({ session }) => session.answering);
      for (const upstream of answering) this.#tellOne(upstream, answering);
      // The others answer, or are gone, before they have been silent for too long.
      if (answering.length < upstreams.length) this.changed(hostname);
    }
  };

  #tellOne(upstream: ClientUpstream, upstreams: readonly ClientUpstream[]): void {
    const { session, mark } = upstream;
    if (mark === null || !session.features.has("clients")) return;
    const services = new Map<string, string>();
    for (const other of upstreams) {
      if (other.mark !== null) services.set(other.mark.client, other.mark.service);
    }
    const clients = {
      count: services.size,
      different: [...services.values()].filter((service) => isOther(service, mark.service)).length,
    };
    const before = this.#told.get(upstream) ?? ALONE;
    if (clients.count === before.count && clients.different === before.different) return;
    this.#told.set(upstream, clients);
    session.sendNotice(encodeNotice({ refused: [], clients }));
  }
}

/** What a client assumes that is told nothing. */
const ALONE: ServingClients = { count: 1, different: 0 };

/** Whether two services are known, and not the same. */
function isOther(service: string, own: string): boolean {
  return service !== "" && own !== "" && service !== own;
}
