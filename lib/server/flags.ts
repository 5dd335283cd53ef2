import {
  choiceFlag,
  durationFlag,
  integerFlag,
  type Rate,
  rateFlag,
  sizeFlag,
  switchFlag,
  textFlag,
  valueFlag,
} from "../cli/flags.ts";
import { MAX_STREAMS, MAX_WEBSOCKET_MESSAGE } from "../wire/limits.ts";
import { SYSTEM_RESOLVER } from "./tls/dns_lookup.ts";
import { MAX_HEAD } from "./proxy/request_heads.ts";
import {
  LETS_ENCRYPT,
  MIN_TOKEN_LENGTH,
  parseAddresses,
  parseBus,
  parseDirectory,
  parseDomain,
  parseHmacKey,
  parseHttpPort,
  parseListenAddress,
  parseMail,
  parsePublicUrl,
  parseResolver,
  parseToken,
} from "./flag_values.ts";

const LISTENING = "Listening";
const CERTIFICATES = "Certificates of its own";
const PUBLIC = "What visitors see";
const ACCESS = "Who may connect";
const LIMITS = "Limits";
const NODES = "Several nodes and restarts";
const LOG = "Log";

/** Some clients behind one address come back together after a restart, each with several connections. */
const REGISTRATION_RATE: Rate = { count: 600, period: 60_000 };

/** The port of a server whose certificate is no authority's. */
export const DEFAULT_PORT = 6519;

/** Seconds: two years, more than which browsers do not remember. */
const MAX_HSTS = 63_072_000;

/** Every option of the server with its flag, as the help lists them. */
export const SERVER_FLAGS = {
  /** The port to listen on; 0 lets the system choose, null takes the usual one. */
  port: integerFlag({
    group: LISTENING,
    help: "port to listen on; 0 takes a free one; PORT is asked as well",
    placeholder: "<port>",
    default: null,
    defaultText: "6519, with --acme 443",
    least: 0,
    most: 65_535,
    extraVariables: ["PORT"],
  }),
  /** The address to listen on, IPv6 without brackets. */
  hostname: valueFlag("<address>", parseListenAddress, {
    group: LISTENING,
    help: "address to listen on; :: for IPv6 and IPv4",
    default: "0.0.0.0",
  }),
  /** The path of a PEM file, which is not read here. */
  tlsCert: textFlag({
    group: LISTENING,
    help: "PEM file with the certificate chain: HTTPS and HTTP/2; SIGHUP reads it again",
    placeholder: "<file>",
    default: null,
  }),
  /** The path of a PEM file, which is not read here. */
  tlsKey: textFlag({
    group: LISTENING,
    help: "PEM file with the certificate's key",
    placeholder: "<file>",
    default: null,
  }),
  /** The port that is led to HTTPS, 0 lets the system choose; "off" for none, null for what --acme makes of it. */
  httpPort: valueFlag("<port|off>", parseHttpPort, {
    group: LISTENING,
    help: "second port, without TLS, that sends visitors to HTTPS",
    default: null,
    defaultText: "off, with --acme 80",
  }),
  /** Seconds; null for no such field. */
  hsts: integerFlag({
    group: LISTENING,
    help: "tell browsers to ask for these names by HTTPS alone, for so many seconds " +
      "(Strict-Transport-Security), such as 31536000",
    placeholder: "<seconds>",
    default: null,
    defaultText: "they are not told",
    least: 0,
    most: MAX_HSTS,
  }),
  /** The mail address of an account; null for a server that gets no certificates. */
  acme: valueFlag("<mail>", parseMail, {
    group: CERTIFICATES,
    help: "get and renew a certificate for --domain and its wildcard (with --fixed for --domain " +
      "alone); the authority writes to this address",
    default: null,
    defaultText: "no certificates",
  }),
  /** The path of a folder, which is not opened here; null for the usual one. */
  state: textFlag({
    group: CERTIFICATES,
    help: "folder that account and certificate are kept in; STATE_DIRECTORY is asked as well",
    placeholder: "<folder>",
    default: null,
    defaultText: "~/.local/state/tunnel-server",
    extraVariables: ["STATE_DIRECTORY"],
  }),
  /** The URL of an authority's directory. */
  acmeDirectory: valueFlag("<url|staging>", parseDirectory, {
    group: CERTIFICATES,
    help: "directory of another authority; staging is Let's Encrypt's for trials",
    default: LETS_ENCRYPT,
    defaultText: "Let's Encrypt",
  }),
  /** The port on which the authority's questions are answered; 0 lets the system choose. */
  acmeDnsPort: integerFlag({
    group: CERTIFICATES,
    help: "port for DNS queries about _acme-challenge.<domain>, of which an NS record makes this " +
      "server the authority",
    placeholder: "<port>",
    default: 53,
    least: 0,
    most: 65_535,
  }),
  /** Who is asked whether the records can be seen. */
  acmeResolver: valueFlag("<address|off>", parseResolver, {
    group: CERTIFICATES,
    help: "DNS server that is asked whether records are set, before the authority is",
    default: SYSTEM_RESOLVER,
    defaultText: "the system's",
  }),
  /** The name or path of a program, which is not looked for here. */
  acmeHook: textFlag({
    group: CERTIFICATES,
    help: "program that sets TXT records where the name cannot be delegated: <program> set|clear " +
      "<name> <text>",
    placeholder: "<program>",
    default: null,
    defaultText: "none",
  }),
  /** The name of a key that an authority gave; null for none. */
  acmeKeyId: textFlag({
    group: CERTIFICATES,
    help: "key that the authority gave to bind the account to (external account binding)",
    placeholder: "<id>",
    default: null,
    defaultText: "none",
  }),
  /** That key in base64url. */
  acmeHmacKey: valueFlag("<base64url>", parseHmacKey, {
    group: CERTIFICATES,
    help: "that key itself; better in the environment than here",
    default: null,
    defaultText: "none",
  }),
  /** The proxies whose word on a visitor counts; null for none. */
  trustProxy: valueFlag("<addresses>", parseAddresses, {
    group: LISTENING,
    help:
      "believe X-Forwarded-* and Forwarded from these: addresses, networks (10.0.0.0/8), loopback " +
      "or private, with commas between",
    default: null,
    defaultText: "nobody",
  }),
  /** The name that tunnels are under, in lower case, without a trailing dot. */
  domain: valueFlag("<name>", parseDomain, {
    group: PUBLIC,
    help: "tunnels are <id>.<name>",
    default: "localhost",
  }),
  /** An origin without a path; null for the one that domain, port and TLS make. */
  publicUrl: valueFlag("<url>", parsePublicUrl, {
    group: PUBLIC,
    help: "what visitors type, such as https://example.com behind a TLS proxy",
    default: null,
    defaultText: "from domain and port",
  }),
  /** One tunnel for every host. */
  fixed: switchFlag({
    group: PUBLIC,
    help: "one tunnel for the whole server and every host, where there is no wildcard DNS",
  }),
  /** Milliseconds to wait for the head of an origin's response. */
  timeout: durationFlag({
    group: PUBLIC,
    help: "wait for the local service to begin its answer, then 504",
    default: 30_000,
    defaultText: "30s",
  }),
  /** The secret that clients must know as well; null for none. */
  token: valueFlag("<secret>", parseToken, {
    group: ACCESS,
    help:
      `secret that a client must present as well, of ${MIN_TOKEN_LENGTH} bytes or more; better ` +
      "in the environment than here",
    default: null,
  }),
  /** The path of a file, which is not read here; null lets every key in. */
  authorizedKeys: textFlag({
    group: ACCESS,
    help:
      "file with the clients that may connect and the names that they may take, a thumbprint a " +
      "line; SIGHUP reads it again",
    placeholder: "<file>",
    default: null,
    defaultText: "everybody",
  }),
  /** The secret that opens the list of tunnels; null for no list. */
  adminToken: textFlag({
    group: ACCESS,
    help: "secret that opens /tunnels, the list of tunnels; better in the environment than here",
    placeholder: "<secret>",
    default: null,
    defaultText: "no list",
  }),
  /** Bytes of a request body; null for no limit. */
  maxBody: sizeFlag({
    group: LIMITS,
    help: "the largest request body, such as 500kb, then 413",
    default: null,
    defaultText: "none",
    least: 1,
    most: Number.MAX_SAFE_INTEGER,
  }),
  /** Requests to one tunnel; null for no limit. */
  rateLimit: rateFlag({
    group: LIMITS,
    help: "requests to one tunnel, such as 100/s, then 429",
    default: null,
    defaultText: "none",
  }),
  /** Requests and WebSockets of one tunnel at once. */
  maxStreams: integerFlag({
    group: LIMITS,
    help: "requests and WebSockets of one tunnel at once, then 503",
    default: MAX_STREAMS,
    least: 1,
    most: 1_000_000,
  }),
  /** Of these, what one visitor may have; null for half, or for 100 where that is more. */
  maxVisitorStreams: integerFlag({
    group: LIMITS,
    help: "of these, what one visitor may have, then 429",
    default: null,
    defaultText: "half of --max-streams, at least 100",
    least: 1,
    most: 1_000_000,
  }),
  /** Bytes of a request head. */
  maxHead: sizeFlag({
    group: LIMITS,
    help: "the largest request head, then 431",
    default: MAX_HEAD,
    defaultText: "64kib",
    least: 1024,
    most: MAX_HEAD,
  }),
  /** Bytes of a WebSocket message. */
  maxMessage: sizeFlag({
    group: LIMITS,
    help: "the largest WebSocket message, then close code 1009",
    default: MAX_WEBSOCKET_MESSAGE,
    defaultText: "64mib",
    least: 125,
    most: MAX_WEBSOCKET_MESSAGE,
  }),
  /** WebSockets of all visitors of this node. */
  maxWebsockets: integerFlag({
    group: LIMITS,
    help: "WebSockets of all visitors at once, then 503",
    default: 2_000,
    least: 1,
    most: 1_000_000,
  }),
  /** Of these, what one tunnel may have: half of the streams that it has by default, so that requests find room. */
  maxTunnelWebsockets: integerFlag({
    group: LIMITS,
    help: "of these, what one tunnel may have, then 503",
    default: 500,
    least: 1,
    most: 1_000_000,
  }),
  /** And what one visitor may have: more than the tabs of a few browsers behind one address open. */
  maxVisitorWebsockets: integerFlag({
    group: LIMITS,
    help: "and what one visitor may have, at all tunnels together, then 429",
    default: 200,
    least: 1,
    most: 1_000_000,
  }),
  /** Milliseconds of silence of a visitor's WebSocket: a ping goes out after half of them, and waits behind what a slow visitor still has to read. */
  websocketIdleTimeout: durationFlag({
    group: LIMITS,
    help:
      "give up a visitor's WebSocket that answers no ping and sends no whole message for so long",
    default: 300_000,
    defaultText: "5m",
  }),
  /** Tunnels of the whole server. */
  maxTunnels: integerFlag({
    group: LIMITS,
    help: "tunnels on this server",
    default: 20_000,
    least: 1,
    most: 1_000_000,
  }),
  /** Connections of one key: a client opens at most 16, and a new one may overlap an old one that is dying. */
  maxConnections: integerFlag({
    group: LIMITS,
    help: "connections of one key's clients",
    default: 64,
    least: 1,
    most: 1000,
  }),
  /** Registrations from one address. */
  registrationRate: rateFlag({
    group: LIMITS,
    help: "registrations from one address",
    default: REGISTRATION_RATE,
    defaultText: "600/m",
  }),
  /** `memory`, or the URL of a Redis server. */
  bus: valueFlag("<memory|redis-url>", parseBus, {
    group: NODES,
    help: "what the nodes of one domain share: memory for a server alone, or redis://host:port",
    default: "memory",
  }),
  /** An origin without a path; null where the other nodes come over the bus alone. */
  nodeUrl: valueFlag("<url>", parsePublicUrl, {
    group: NODES,
    help: "where the other nodes reach this one directly, such as http://10.0.0.7:6519",
    default: null,
    defaultText: "over the bus",
  }),
  /** The port for clients alone, 0 lets the system choose; null for none. */
  clientPort: integerFlag({
    group: NODES,
    help: "second port, for clients alone: a restart can let their connections live on",
    placeholder: "<port>",
    default: null,
    defaultText: "the same port",
    least: 0,
    most: 65_535,
  }),
  /** Lets another process listen on the same ports. */
  reusePort: switchFlag({
    group: NODES,
    help: "let a new process listen beside this one, for a restart without a gap",
  }),
  /** Milliseconds to wait for a tunnel that was lost in the last minute. */
  acquireTimeout: durationFlag({
    group: NODES,
    help: "wait for a client that was lost in the last minute to come back, then 502",
    default: 5_000,
    defaultText: "5s",
  }),
  /** Milliseconds that what is in flight may take to finish when the server stops. */
  drainTimeout: durationFlag({
    group: NODES,
    help: "let what is in flight finish when the server stops",
    default: 30_000,
    defaultText: "30s",
  }),
  /** Whether each request is written. */
  accessLog: switchFlag({
    group: LOG,
    help: "write a line for each request to standard error, whatever the level",
  }),
  /** null for text on a terminal and json elsewhere. */
  logFormat: choiceFlag(["text", "json"], {
    group: LOG,
    help: "how events are written to standard error",
    default: null,
    defaultText: "text on a terminal, else json",
  }),
  /** The least important level that is written. */
  logLevel: choiceFlag(["debug", "info", "warn", "error"], {
    group: LOG,
    help: "the least important events to write",
    default: "info",
  }),
};
