import { parseJSONObject } from "../../wire/json.ts";
import { isNodeUrl } from "../bus/bus_limits.ts";
import type {
  ListedConnection,
  ListedTunnel,
  Traffic,
  TunnelPart,
  TunnelVisits,
} from "./operator_view.ts";

/** Characters of what a node calls something: a thumbprint, a hostname or a comment is shorter. */
const MAX_WORD = 1024;

/** Reads what another node answers; null for what a node of this version does not say. */
export class NodeAnswer {
  readonly #members: Members;

  constructor(text: string) {
    this.#members = parseJSONObject(new TextEncoder().encode(text)) ?? {};
  }

  /** How many connections it has ended; 0 for none. */
  get ended(): number {
    return countOf(this.#members.ended) ?? 0;
  }

  /** The key of a tunnel that it has; null for none. */
  get key(): string | null {
    return wordOf(this.#members.key);
  }

  /** Where it is reached directly; null for over the bus. */
  get url(): string | null {
    const url = wordOf(this.#members.url);
    return url !== null && isNodeUrl(url) ? url : null;
  }

  /** The tunnels that it has of those that were asked for; null where the answer has something else in it. */
  tunnels(node: string): TunnelPart | null {
    const { total, tunnels, next } = this.#members;
    const count = countOf(total);
    if (count === null || !Array.isArray(tunnels)) return null;
    const listed = tunnels.map((each: unknown) => tunnelOf(each, node));
    return listed.every((each) => each !== null)
      ? { total: count, tunnels: listed, next: wordOf(next) }
      : null;
  }
}

type Members = Readonly<Record<string, unknown>>;

function tunnelOf(value: unknown, node: string): ListedTunnel | null {
  const json = membersOf(value);
  const [id, name, key] = [wordOf(json.id), wordOf(json.name), wordOf(json.key)];
  const [comment, since] = [wordOf(json.comment), timeOf(json.since)];
  const [clients, streams] = [countOf(json.clients), countOf(json.streams)];
  const [bytes, visits] = [trafficOf(json.bytes), visitsOf(json.visits)];
  const hostnames = Array.isArray(json.hostnames) ? json.hostnames.map(wordOf) : null;
  const connections = Array.isArray(json.connections) ? json.connections.map(connectionOf) : null;
  if (
    id === null || name === null || key === null || comment === null || since === null ||
    clients === null || streams === null || bytes === null || visits === null ||
    !isFull(hostnames) || !isFull(connections)
  ) return null;
  const words = { node, id, hostnames, name, key, comment, since };
  return { ...words, clients, connections, streams, bytes, visits };
}

function connectionOf(value: unknown): ListedConnection | null {
  const json = membersOf(value);
  const [address, since] = [wordOf(json.address), timeOf(json.since)];
  const [streams, bytes] = [countOf(json.streams), trafficOf(json.bytes)];
  if (address === null || since === null || streams === null || bytes === null) return null;
  return { address, since, streams, bytes };
}

function trafficOf(value: unknown): Traffic | null {
  const json = membersOf(value);
  const [received, sent] = [countOf(json.received), countOf(json.sent)];
  return received === null || sent === null ? null : { received, sent };
}

function visitsOf(value: unknown): TunnelVisits | null {
  const json = membersOf(value);
  const [requests, refused] = [countOf(json.requests), countOf(json.refused)];
  return requests === null || refused === null ? null : { requests, refused };
}

function isFull<Each>(list: readonly (Each | null)[] | null): list is readonly Each[] {
  return list !== null && list.every((each) => each !== null);
}

function membersOf(value: unknown): Members {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function wordOf(value: unknown): string | null {
  return typeof value === "string" && value.length <= MAX_WORD ? value : null;
}

function timeOf(value: unknown): string | null {
  const text = wordOf(value);
  return text === null || Number.isNaN(Date.parse(text)) ? null : text;
}

function countOf(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
