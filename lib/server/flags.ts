import { originOf, parseAuthority } from "../net/authority.ts";
import {
  choiceFlag,
  durationFlag,
  type Flags,
  integerFlag,
  type Rate,
  rateFlag,
  sizeFlag,
  switchFlag,
  textFlag,
  valueFlag,
} from "../cli/flags.ts";
import { parseAddress } from "../net/ip_address.ts";
import type { LogLevel } from "../cli/log.ts";
import { MAX_STREAMS, MAX_WEBSOCKET_MESSAGE } from "../wire/limits.ts";
import { AddressSet } from "../net/address_set.ts";
import { parseRedisUrl } from "./bus/redis_address.ts";

/** What each flag of the server gives. */
export interface ServerFlags {
  readonly port: number;
  readonly hostname: string;
  readonly domain: string;
  readonly "public-url": string | null;
  readonly fixed: boolean;
  readonly timeout: number;
  readonly "tls-cert": string | null;
  readonly "tls-key": string | null;
  readonly "client-port": number | null;
  readonly "reuse-port": boolean;
  readonly "trust-proxy": AddressSet | null;
  readonly "acquire-timeout": number;
  readonly "drain-timeout": number;
  readonly bus: string;
  readonly "node-url": string | null;
  readonly token: string | null;
  readonly "authorized-keys": string | null;
  readonly "admin-token": string | null;
  readonly "max-body": number | null;
  readonly "rate-limit": Rate | null;
  readonly "max-streams": number;
  readonly "max-visitor-streams": number | null;
  readonly "max-head": number;
  readonly "max-message": number;
  readonly "max-tunnels": number;
  readonly "max-connections": number;
  readonly "registration-rate": Rate;
  readonly "log-format": "text" | "json" | null;
  readonly "log-level": LogLevel;
}

const LISTENING = "Listening";
const PUBLIC = "What visitors see";
const ACCESS = "Who may connect";
const LIMITS = "Limits";
const NODES = "Several nodes and restarts";
const LOG = "Log";

/** Every flag of the server, as the help lists them. */
export const SERVER_FLAGS: Flags<ServerFlags> = {
  port: integerFlag({
    group: LISTENING,
    help: "port to listen on; 0 takes a free one; also PORT",
    placeholder: "<port>",
    default: 6519,
    least: 0,
    most: 65_535,
    extraVariables: ["PORT"],
  }),
  hostname: valueFlag("<address>", parseListenAddress, {
    group: LISTENING,
    help: "address to listen on",
    default: "0.0.0.0",
  }),
  "tls-cert": textFlag({
    group: LISTENING,
    help: "PEM file with the certificate chain: HTTPS and HTTP/2; SIGHUP reads it again",
    placeholder: "<file>",
    default: null,
  }),
  "tls-key": textFlag({
    group: LISTENING,
    help: "PEM file with the certificate's key",
    placeholder: "<file>",
    default: null,
  }),
  "trust-proxy": valueFlag("<addresses>", parseAddresses, {
    group: LISTENING,
    help:
      "believe X-Forwarded-* and Forwarded from these: addresses, networks (10.0.0.0/8), loopback " +
      "or private, with commas between",
    default: null,
    defaultText: "nobody",
  }),
  domain: valueFlag("<name>", parseDomain, {
    group: PUBLIC,
    help: "tunnels are <id>.<name>",
    default: "localhost",
  }),
  "public-url": valueFlag("<url>", parsePublicUrl, {
    group: PUBLIC,
    help: "what visitors type, such as https://example.com behind a TLS proxy",
    default: null,
    defaultText: "from domain and port",
  }),
  fixed: switchFlag({
    group: PUBLIC,
    help: "one tunnel for the whole server and every host, where there is no wildcard DNS",
  }),
  timeout: durationFlag({
    group: PUBLIC,
    help: "wait for the local service to begin its answer, then 504",
    default: 30_000,
    defaultText: "30s",
  }),
  token: textFlag({
    group: ACCESS,
    help: "secret that a client must present as well; better in the environment than here",
    placeholder: "<secret>",
    default: null,
  }),
  "authorized-keys": textFlag({
    group: ACCESS,
    help: "file with the clients that may connect, one thumbprint a line; SIGHUP reads it again",
    placeholder: "<file>",
    default: null,
    defaultText: "everybody",
  }),
  "admin-token": textFlag({
    group: ACCESS,
    help: "secret that opens /tunnels, the list of tunnels; better in the environment than here",
    placeholder: "<secret>",
    default: null,
    defaultText: "no list",
  }),
  "max-body": sizeFlag({
    group: LIMITS,
    help: "the largest request body, then 413",
    default: null,
    defaultText: "none",
    least: 1,
    most: Number.MAX_SAFE_INTEGER,
  }),
  "rate-limit": rateFlag({
    group: LIMITS,
    help: "requests to one tunnel, such as 100/s, then 429",
    default: null,
    defaultText: "none",
  }),
  "max-streams": integerFlag({
    group: LIMITS,
    help: "requests and WebSockets of one tunnel at once, then 503",
    default: MAX_STREAMS,
    least: 1,
    most: 1_000_000,
  }),
  "max-visitor-streams": integerFlag({
    group: LIMITS,
    help: "of these, what one visitor may have, then 429",
    default: null,
    defaultText: "half of --max-streams, at least 100",
    least: 1,
    most: 1_000_000,
  }),
  "max-head": sizeFlag({
    group: LIMITS,
    help: "the largest request head, then 431",
    default: 65_536,
    defaultText: "64kib",
    least: 1024,
    most: 65_536,
  }),
  "max-message": sizeFlag({
    group: LIMITS,
    help: "the largest WebSocket message, then close code 1009",
    default: MAX_WEBSOCKET_MESSAGE,
    defaultText: "64mib",
    least: 125,
    most: MAX_WEBSOCKET_MESSAGE,
  }),
  "max-tunnels": integerFlag({
    group: LIMITS,
    help: "tunnels on this server",
    default: 20_000,
    least: 1,
    most: 1_000_000,
  }),
  "max-connections": integerFlag({
    group: LIMITS,
    help: "connections of one key's clients",
    default: 64,
    least: 1,
    most: 1000,
  }),
  "registration-rate": rateFlag({
    group: LIMITS,
    help: "registrations from one address",
    default: { count: 600, period: 60_000 },
    defaultText: "600/m",
  }),
  bus: valueFlag("<memory|redis-url>", parseBus, {
    group: NODES,
    help: "what the nodes of one domain share: memory for a server alone, or redis://host:port",
    default: "memory",
  }),
  "node-url": valueFlag("<url>", parsePublicUrl, {
    group: NODES,
    help: "where the other nodes reach this one directly, such as http://10.0.0.7:6519",
    default: null,
    defaultText: "over the bus",
  }),
  "client-port": integerFlag({
    group: NODES,
    help: "second port, for clients alone: a restart can let their connections live on",
    placeholder: "<port>",
    default: null,
    defaultText: "the same port",
    least: 0,
    most: 65_535,
  }),
  "reuse-port": switchFlag({
    group: NODES,
    help: "let a new process listen beside this one, for a restart without a gap",
  }),
  "acquire-timeout": durationFlag({
    group: NODES,
    help: "wait for a client that was here a moment ago to come back, then 502",
    default: 5_000,
    defaultText: "5s",
  }),
  "drain-timeout": durationFlag({
    group: NODES,
    help: "let what is in flight finish when the server stops",
    default: 30_000,
    defaultText: "30s",
  }),
  "log-format": choiceFlag(["text", "json"], {
    group: LOG,
    help: "how events are written",
    default: null,
    defaultText: "text on a terminal, else json",
  }),
  "log-level": choiceFlag(["debug", "info", "warn", "error"], {
    group: LOG,
    help: "the least important events to write",
    default: "info",
  }),
};

/** Characters of a domain: a name has 253 (RFC 1035 section 2.3.4), an id and its dot take 53 of them. */
const MAX_DOMAIN_LENGTH = 200;

function parseDomain(text: string): string {
  const authority = parseAuthority(text);
  if (
    authority === undefined || authority.isAddress || text.includes(":") ||
    authority.name.length > MAX_DOMAIN_LENGTH
  ) {
    throw new RangeError("must be a DNS name such as tunnel.example.com");
  }
  return authority.name;
}

function parseListenAddress(text: string): string {
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  if (parseAddress(bare) !== undefined) return bare;
  const authority = parseAuthority(text);
  if (authority === undefined || authority.isAddress || text.includes(":")) {
    throw new RangeError("must be an address or a host name, without a port");
  }
  return authority.name;
}

function parsePublicUrl(text: string): string {
  const [, scheme = "", host = ""] = /^(https?):\/\/([^/?#]*)\/?$/i.exec(text) ?? [];
  const authority = parseAuthority(host);
  if (authority === undefined) {
    throw new RangeError("must be like https://example.com, without a path");
  }
  return originOf(scheme.toLowerCase() === "https" ? "https" : "http", authority);
}

function parseAddresses(text: string): AddressSet {
  try {
    return AddressSet.parse(text);
  } catch (cause) {
    throw new RangeError("must be addresses, networks, loopback or private, with commas between", {
      cause,
    });
  }
}

function parseBus(text: string): string {
  if (text === "memory") return text;
  try {
    parseRedisUrl(text);
  } catch (cause) {
    throw new RangeError("must be memory or a URL such as redis://localhost:6379", { cause });
  }
  return text;
}
