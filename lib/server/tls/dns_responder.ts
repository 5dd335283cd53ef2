import type { Log } from "../../cli/log.ts";
import { networkOf } from "../../net/ip_address.ts";
import { authorityOf } from "../../net/authority.ts";
import { systemCode, systemReason } from "../../net/system_reason.ts";
import { Limiter } from "../access/limiter.ts";
import { answerQuery, asksForZone, type Zone } from "./dns_message.ts";
import { DNSConnections } from "./dns_connections.ts";
import { type DatagramAnswer, DNSSockets } from "./dns_sockets.ts";

/** Bytes of the longest answer over UDP: every resolver takes so many (RFC 1035 section 4.2.1). */
const MAX_UDP_ANSWER = 512;

/** Whole answers over UDP to one address or IPv6 network: a resolver asks a few times for each challenge. */
const NETWORK_RATE = { count: 20, period: 1000 } as const;

/** Networks that are kept for it, at some 100 bytes each. */
const MAX_NETWORKS = 10_000;

/** Answers over UDP to all together: senders' addresses can be forged, and this is what reaches their owners at worst. */
const ALL_RATE = { count: 1000, period: 1000 } as const;

/** Milliseconds between attempts to listen: a process that is being replaced has the port until it stops. */
const LISTEN_AGAIN = 1000;

/** Texts at once: one for a domain and one for its wildcard. */
const MAX_TEXTS = 2;

/** Questions to the other nodes at once: what comes while the bus is slow is answered with the texts of this one. */
const MAX_LOOKUPS = 100;

export interface DNSResponderOptions {
  /** The address to listen on; one that stands for all is left for each of the machine's own where a local resolver has the port. */
  readonly hostname: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The only name that it answers for. */
  readonly name: string;
  /** Returns the texts that other nodes of the domain show; rejects when they cannot be asked for. @default there are no others */
  readonly elsewhere?: (() => Promise<readonly string[]>) | undefined;
  readonly log: Log;
}

/**
 * Answers DNS queries for one name, and refuses all others.
 *
 * What it sends is hardly longer than what it was sent, and it sends little of it: a query whose sender is forged brings
 * the owner of that address nothing worth forging it for.
 */
export class DNSResponder {
  readonly #options: DNSResponderOptions;
  readonly #texts = new Set<string>();
  readonly #zone: Zone;
  readonly #networks = new Limiter(NETWORK_RATE, { most: MAX_NETWORKS });
  readonly #all = new Limiter(ALL_RATE, { most: 1 });
  readonly #addresses: readonly string[];
  #sockets: readonly DNSSockets[] = [];
  #retry: ReturnType<typeof setTimeout> | undefined;
  #problem: string | null = null;
  #lookups = 0;

  /** Starts to listen, and goes on trying when it cannot. */
  constructor(options: DNSResponderOptions) {
    this.#options = options;
    this.#zone = { name: options.name.toLowerCase(), texts: this.#texts };
    // They can be asked for now: later there may be no permission for it.
    this.#addresses = isWildcard(options.hostname) ? ownAddresses() : [];
    this.#listen();
  }

  /** Why nothing is answered now; null when it is. */
  get problem(): string | null {
    return this.#problem;
  }

  /** The port of the first socket. @throws {Error} when there is none. */
  get port(): number {
    const [first] = this.#sockets;
    if (first === undefined) throw new Error("the responder does not listen");
    return first.port;
  }

  /** Answers with this text as well. @throws {RangeError} when there are too many. */
  add(text: string): void {
    if (this.#texts.size >= MAX_TEXTS) throw new RangeError("too many texts for one name");
    this.#texts.add(text);
  }

  remove(text: string): void {
    this.#texts.delete(text);
  }

  close(): void {
    clearTimeout(this.#retry);
    for (const sockets of this.#sockets) sockets.close();
    this.#sockets = [];
  }

  #answer(
    query: Uint8Array<ArrayBuffer>,
    sender: string,
  ): DatagramAnswer | Promise<DatagramAnswer> {
    if (this.#all.take("") > 0) return null;
    const isCut = this.#networks.take(networkOf(sender)) > 0;
    const options = { most: MAX_UDP_ANSWER, isCut };
    const zone = isCut ? this.#zone : this.#zoneFor(query);
    if (!(zone instanceof Promise)) return answerQuery(query, zone, options);
    // The next datagram takes the place of this one.
    const copy = query.slice();
    return zone.then((found) => answerQuery(copy, found, options));
  }

  /** Returns the zone as a query for its name finds it, with what the other nodes show. */
  #zoneFor(query: Uint8Array): Zone | Promise<Zone> {
    const { elsewhere } = this.#options;
    const isAlone = elsewhere === undefined || this.#lookups >= MAX_LOOKUPS;
    if (isAlone || !asksForZone(query, this.#zone)) return this.#zone;
    return this.#withTexts(elsewhere);
  }

  async #withTexts(elsewhere: () => Promise<readonly string[]>): Promise<Zone> {
    this.#lookups++;
    try {
      const texts = (await elsewhere()).slice(0, MAX_TEXTS);
      return { ...this.#zone, texts: new Set([...this.#texts, ...texts]) };
    } catch {
      return this.#zone;
    } finally {
      this.#lookups--;
    }
  }

  #listen(): void {
    const { hostname, port, log } = this.#options;
    try {
      this.#sockets = this.#openAll();
      if (this.#problem !== null) log.info("DNS queries are answered now", { port });
      this.#problem = null;
    } catch (error) {
      const place = authorityOf({ host: hostname, port });
      const problem = `cannot answer DNS queries on ${place}: ${systemReason(error)}` +
        adviceOn(systemCode(error));
      // So it is in each upgrade, until the old server has stopped.
      const isInUse = systemCode(error) === "EADDRINUSE";
      if (this.#problem === null) log[isInUse ? "warn" : "error"](problem);
      this.#problem = problem;
      this.#retry = setTimeout(() => this.#listen(), LISTEN_AGAIN);
    }
  }

  /** Opens one pair of sockets, or one for each address where something has the port at another address of this machine. */
  #openAll(): readonly DNSSockets[] {
    const { hostname } = this.#options;
    try {
      return [this.#open(hostname)];
    } catch (error) {
      if (systemCode(error) !== "EADDRINUSE" || this.#addresses.length === 0) throw error;
    }
    const opened: DNSSockets[] = [];
    let failure: unknown;
    for (const address of this.#addresses) {
      try {
        opened.push(this.#open(address));
      } catch (error) {
        failure = error;
      }
    }
    if (opened.length === 0) throw failure;
    return opened;
  }

  #open(hostname: string): DNSSockets {
    const { port, log } = this.#options;
    return new DNSSockets({
      hostname,
      port,
      answer: (query, sender) => this.#answer(query, sender),
      connections: new DNSConnections({ zoneFor: (query) => this.#zoneFor(query) }),
      onEnd: (reason) => {
        log.error("DNS sockets ended and are opened again", { reason });
        this.close();
        this.#retry = setTimeout(() => this.#listen(), LISTEN_AGAIN);
      },
    });
  }
}

function isWildcard(hostname: string): boolean {
  return hostname === "0.0.0.0" || hostname === "::";
}

/** Returns the addresses at which others reach this machine; none where they may not be asked for. */
function ownAddresses(): readonly string[] {
  try {
    return Deno.networkInterfaces()
      .map(({ address }) => address)
      .filter((address) => !/^(?:127\.|::1$|fe80:)/i.test(address));
  } catch {
    return [];
  }
}

function adviceOn(code: string): string {
  switch (code) {
    case "EADDRINUSE":
      return "; a server that this one replaces has it until it stops, and it is tried each second. " +
        "Else stop what answers there (ss -ulpn shows it), or give another port with " +
        "--acme-dns-port and lead port 53 to it";
    case "EACCES":
    case "EPERM":
      return "; ports below 1024 are root's: have a service manager allow it " +
        "(CAP_NET_BIND_SERVICE)";
    default:
      return "";
  }
}
