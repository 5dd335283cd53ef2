import { choiceFlag, integerFlag, switchFlag, valueFlag } from "../../cli/flags.ts";
import { LISTENER_KINDS } from "../listen/listener.ts";
import { parseAddresses, parseListenAddress } from "../flag_values.ts";

const GROUP = "Listening";

/** The port of a server whose certificate is no authority's. */
export const DEFAULT_PORT = 6519;

/** Seconds: two years, more than which browsers do not remember. */
const MAX_HSTS = 63_072_000;

/** Where a server listens, and whom it believes. */
export const LISTENING_FLAGS = {
  /** The port to listen on; 0 lets the system choose, null takes the usual one. */
  port: integerFlag({
    group: GROUP,
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
    group: GROUP,
    help: "address to listen on; :: for IPv6 and IPv4",
    default: "0.0.0.0",
  }),
  /** What reads visitors' connections. */
  listener: choiceFlag(LISTENER_KINDS, {
    group: GROUP,
    help: "what reads connections: serve (Deno's, with HTTP/2), or own (HTTP/1.1 alone, with " +
      "timeouts for slow visitors)",
    default: "serve",
  }),
  /** Whether trusted proxies say with each connection whom it comes from. */
  proxyProtocol: switchFlag({
    group: GROUP,
    help:
      "with --listener own: the proxies of --trust-proxy begin each connection with whom it comes " +
      "from (PROXY protocol 1 or 2), without TLS",
  }),
  /** Seconds; null for no such field. */
  hsts: integerFlag({
    group: GROUP,
    help: "tell browsers to ask for these names by HTTPS alone, for so many seconds " +
      "(Strict-Transport-Security), such as 31536000",
    placeholder: "<seconds>",
    default: null,
    defaultText: "they are not told",
    least: 0,
    most: MAX_HSTS,
  }),
  /** The proxies whose word on a visitor counts; null for none. */
  trustProxy: valueFlag("<addresses>", parseAddresses, {
    group: GROUP,
    help:
      "believe X-Forwarded-* and Forwarded from these: addresses, networks (10.0.0.0/8), loopback " +
      "or private, with commas between",
    default: null,
    defaultText: "nobody",
  }),
};
