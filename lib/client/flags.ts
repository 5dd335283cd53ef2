import {
  type Authority,
  isLocalhost,
  originOf,
  parseAuthority,
  withoutBrackets,
} from "../net/authority.ts";
import {
  choiceFlag,
  integerFlag,
  listFlag,
  switchFlag,
  textFlag,
  valueFlag,
} from "../cli/flags.ts";
import { type HTTPProxy, parseProxy } from "../net/http_proxy.ts";
import { parseAddress } from "../net/ip_address.ts";
import { UsageError } from "../cli/command_line.ts";
import { quotedOpenly } from "../cli/safe_text.ts";
import { isLabel } from "../identity/claim.ts";
import { INSPECT_FLAGS } from "./inspector/inspect_flags.ts";
import { DIRECT } from "./proxies.ts";
import { DESTINATION_FLAGS } from "./services/destinations/destination_flags.ts";
import { REWRITING_FLAGS, SERVICE } from "./services/rewriting/rewriting_flags.ts";
import { VISITOR_FLAGS } from "./visitor_flags.ts";
import { DEFAULT_HOST, parseRoute, type RouteSpec } from "./services/service_spec.ts";

const SERVERS = "The tunnel's server";
const IDENTITY = "The public address";
export const CONFIG = "The config file, and the start of the system";
const TERMINAL = "The terminal";

/** Most WebSockets to one server: more than a few only help links that lose packets. */
const MAX_CONNECTIONS = 16;
const NO_ROUTES: readonly RouteSpec[] = [];

/** Every option of the client with its flag, as the help lists them. */
export const CLIENT_FLAGS = {
  /** The port of the local service. */
  port: integerFlag({
    group: SERVICE,
    help: "port of the local service",
    placeholder: "<port>",
    default: 8080,
    least: 1,
    most: 65_535,
  }),
  /** The host of the local service, IPv6 without brackets. */
  host: valueFlag("<name>", parseHost, {
    group: SERVICE,
    help: "host name or address of the local service",
    default: DEFAULT_HOST,
  }),
  /** Services for paths and all below them. */
  route: listFlag("</path=service>", parseRoute, {
    group: SERVICE,
    help: "a service for a path and all below it, such as /api=4000; may be repeated " +
      "(in the environment: with commas between); the longest path that fits decides",
    default: NO_ROUTES,
    joint: "=",
    defaultText: "one service for all",
  }),
  /** Give the services of routes what stands behind their path. */
  strip: switchFlag({
    group: SERVICE,
    help: "give services of --route the path without the route's, which is in X-Forwarded-Prefix",
  }),
  /** What the local service gets as Host: null for the public one, `rewrite` for its own, or a text. */
  hostHeader: valueFlag("<host>", parseHostHeader, {
    group: SERVICE,
    help: "what the service sees as Host: a name, or the word rewrite for its own",
    default: null,
    defaultText: "the public host",
  }),
  /** The path of a PEM file, which is not read here; null for none. */
  originCa: textFlag({
    group: SERVICE,
    help: "PEM file with an authority of your own that is trusted for https:// services as well",
    placeholder: "<file>",
    default: null,
  }),
  /** Take any certificate of the local service. */
  insecureOrigin: switchFlag({
    group: SERVICE,
    help: "ask an https:// service whatever its certificate says",
  }),
  /** Show what is in a folder. */
  list: switchFlag({
    group: SERVICE,
    help: "in a folder that is published, list what is in those without an index.html",
  }),
  /** Answer with the first page for those that are not there. */
  spa: switchFlag({
    group: SERVICE,
    help: "in a folder that is published, show its index.html for pages that are not there",
  }),
  ...REWRITING_FLAGS,
  ...DESTINATION_FLAGS,
  /** Origins of servers, http or https. */
  server: listFlag("<url>", parseServer, {
    group: SERVERS,
    help: "where to connect: https:// unless the URL says otherwise, but http:// for localhost " +
      "and addresses; may be repeated (in the environment: with commas between)",
    default: ["http://localhost:6519"],
    defaultText: "http://localhost:6519",
  }),
  /** The proxy that leads to the servers, `off` for none; null for that of the environment. */
  proxy: valueFlag("<url>", parseProxyFlag, {
    group: SERVERS,
    help: "HTTP proxy on the way to the servers, http://user:password@host:port, or the word off",
    default: null,
    defaultText: "HTTPS_PROXY or HTTP_PROXY, but not for NO_PROXY",
  }),
  /** The path of a PEM file, which is not read here; null for none. */
  serverCa: textFlag({
    group: SERVERS,
    help: "PEM file with an authority of your own that is trusted for the servers as well",
    placeholder: "<file>",
    default: null,
  }),
  /** WebSockets to each server. */
  connections: integerFlag({
    group: SERVERS,
    help: `WebSockets to each server, ${MAX_CONNECTIONS} at most`,
    default: 2,
    least: 1,
    most: MAX_CONNECTIONS,
  }),
  /** Stop when the first connection ends. */
  once: switchFlag({
    group: SERVERS,
    help: "stop when the first connection ends instead of connecting again",
  }),
  /** The servers' shared secret; null for none. */
  token: textFlag({
    group: SERVERS,
    help: "the server's shared secret; better in the environment than here",
    placeholder: "<secret>",
    default: null,
  }),
  /** The path of the key's file; null for where the platform keeps settings. */
  key: textFlag({
    group: IDENTITY,
    help: "file with the key that the address comes from, made when missing",
    placeholder: "<file>",
    default: null,
    defaultText: "tunnel/key.pem in the user's config folder",
  }),
  /** Print the key's thumbprint and do nothing else. */
  showKey: switchFlag({
    group: IDENTITY,
    help: "print the key's thumbprint, for a server's list of authorized keys, and stop",
  }),
  /** Distinguishes several tunnels of one key; empty for the first. */
  label: valueFlag("<label>", parseLabel, {
    group: IDENTITY,
    help: "another address from the same key: letters, digits and hyphens",
    default: "",
  }),
  /** The name to wish for; null for none. */
  name: valueFlag("<name>", parseLabel, {
    group: IDENTITY,
    help: "wish for <name>.<domain> as well; refused, the client stops with the reason",
    default: null,
  }),
  ...VISITOR_FLAGS,
  /** The path of the config file; null for where the platform keeps settings. */
  config: textFlag({
    group: CONFIG,
    help: "YAML file with what flags and the environment do not say, and with tunnels to start",
    placeholder: "<file>",
    default: null,
    defaultText: "tunnel/config.yaml in the user's config folder, where it is there",
  }),
  /** Print a unit of systemd and do nothing else. */
  printUnit: switchFlag({
    group: CONFIG,
    help: "print a unit by which systemd makes this very call, and stop",
  }),
  /** Print a property list of launchd and do nothing else. */
  printLaunchd: switchFlag({
    group: CONFIG,
    help: "print a property list by which launchd (macOS) makes this very call, and stop",
  }),
  ...INSPECT_FLAGS,
  logFormat: choiceFlag(["text", "json"], {
    group: TERMINAL,
    help: "how events are written to standard error: json has a line for each request too",
    default: "text",
  }),
  /** The least important level that is written. */
  logLevel: choiceFlag(["debug", "info", "warn", "error"], {
    group: TERMINAL,
    help: "the least important events to write: with warn there are no lines of requests",
    default: "info",
  }),
  /** Draw the public URL. */
  qr: switchFlag({ group: TERMINAL, help: "draw the public URL as a QR code, for a phone" }),
  /** Open the public URL. */
  open: switchFlag({ group: TERMINAL, help: "open the public URL in the browser" }),
};

/** Scheme, authority and the rest (RFC 3986 appendix B), where a lone `host:port` has no scheme. */
const URL_PARTS = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):\/\/)?([^/?#]*)(.*)$/s;

function parseHost(text: string): string {
  if (parseAddress(text) !== undefined) return text;
  const known = parseAuthority(text);
  if (known === undefined || known.port !== null || text.endsWith(":")) {
    throw new RangeError("must be a host name or an address, without a port");
  }
  return withoutBrackets(known.name);
}

function parseHostHeader(text: string): string {
  if (parseAuthority(text) === undefined) {
    throw new RangeError("must be rewrite, or a host and port");
  }
  return text;
}

/** Reads the word that names the server of a command. @throws {UsageError} for a word that names none. */
export function readServers(word: string): readonly string[] {
  try {
    return CLIENT_FLAGS.server.read([word]);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new UsageError(`the server ${cause.message}, not ${quotedOpenly(word)}`, { cause });
  }
}

/** Reads a server's URL into its origin; the WebSocket schemes mean the same servers. */
function parseServer(text: string): string {
  const [, written, host = "", rest = ""] = URL_PARTS.exec(text) ?? [];
  const authority = parseAuthority(host);
  if (authority === undefined || authority.port === 0 || (rest !== "" && rest !== "/")) {
    throw notAServer();
  }
  const scheme = written === undefined
    ? usualScheme(authority)
    : SCHEMES.get(written.toLowerCase());
  if (scheme === undefined) throw notAServer();
  return originOf(scheme, authority);
}

function parseProxyFlag(text: string): HTTPProxy | typeof DIRECT {
  return text === DIRECT ? text : parseProxy(text);
}

/** A name on the internet has a certificate, this machine and an address seldom have one. */
function usualScheme({ name, isAddress }: Authority): "http" | "https" {
  return isAddress || isLocalhost(name) ? "http" : "https";
}

function notAServer(): RangeError {
  return new RangeError("must be like https://tunnel.example.com, without a path");
}

const SCHEMES: ReadonlyMap<string, "http" | "https"> = new Map([
  ["http", "http"],
  ["https", "https"],
  ["ws", "http"],
  ["wss", "https"],
]);

function parseLabel(text: string): string {
  const label = text.toLowerCase();
  if (!isLabel(label)) {
    throw new RangeError("must be at most 63 letters, digits and hyphens, no hyphen at an end");
  }
  return label;
}
