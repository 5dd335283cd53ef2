import { durationFlag, integerFlag, type Rate, rateFlag, sizeFlag } from "../../cli/flags.ts";
import { MAX_STREAMS, MAX_WEBSOCKET_MESSAGE } from "../../wire/limits.ts";
import { USUAL_BOUNDS } from "../listen/connection_bounds.ts";
import { BODY_IDLE_TIMEOUT } from "../proxy/idle_watch.ts";
import { MAX_HEAD } from "../proxy/request_heads.ts";

const GROUP = "Limits";

/** Some clients behind one address come back together after a restart, each with several connections. */
const REGISTRATION_RATE: Rate = { count: 600, period: 60_000 };

/** What tunnels, visitors and clients may have at most. */
export const LIMIT_FLAGS = {
  /** Bytes of a request body; null for no limit. */
  maxBody: sizeFlag({
    group: GROUP,
    help: "the largest request body, such as 500kb, then 413",
    default: null,
    defaultText: "none",
    least: 1,
    most: Number.MAX_SAFE_INTEGER,
  }),
  /** Requests to one tunnel; null for no limit. */
  rateLimit: rateFlag({
    group: GROUP,
    help: "requests to one tunnel, such as 100/s, then 429",
    default: null,
    defaultText: "none",
  }),
  /** Requests and WebSockets of one tunnel at once. */
  maxStreams: integerFlag({
    group: GROUP,
    help: "requests and WebSockets of one tunnel at once, then 503",
    default: MAX_STREAMS,
    least: 1,
    most: 1_000_000,
  }),
  /** Of these, what one visitor may have; null for half, or for 100 where that is more. */
  maxVisitorStreams: integerFlag({
    group: GROUP,
    help: "of these, what one visitor may have, then 429",
    default: null,
    defaultText: "half of --max-streams, at least 100",
    least: 1,
    most: 1_000_000,
  }),
  /** Bytes of a request head. */
  maxHead: sizeFlag({
    group: GROUP,
    help: "the largest request head, then 431",
    default: MAX_HEAD,
    defaultText: "64kib",
    least: 1024,
    most: MAX_HEAD,
  }),
  /** Bytes of a WebSocket message. */
  maxMessage: sizeFlag({
    group: GROUP,
    help: "the largest WebSocket message, then close code 1009",
    default: MAX_WEBSOCKET_MESSAGE,
    defaultText: "64mib",
    least: 125,
    most: MAX_WEBSOCKET_MESSAGE,
  }),
  /** WebSockets of all visitors of this node. */
  maxWebsockets: integerFlag({
    group: GROUP,
    help: "WebSockets of all visitors at once, then 503",
    default: 2_000,
    least: 1,
    most: 1_000_000,
  }),
  /** Of these, what one tunnel may have: half of the streams that it has by default, so that requests find room. */
  maxTunnelWebsockets: integerFlag({
    group: GROUP,
    help: "of these, what one tunnel may have, then 503",
    default: 500,
    least: 1,
    most: 1_000_000,
  }),
  /** And what one visitor may have: more than the tabs of a few browsers behind one address open. */
  maxVisitorWebsockets: integerFlag({
    group: GROUP,
    help: "and what one visitor may have, at all tunnels together, then 429",
    default: 200,
    least: 1,
    most: 1_000_000,
  }),
  /** Milliseconds of silence of a visitor's WebSocket: a ping goes out after half of them, and waits behind what a slow visitor still has to read. */
  websocketIdleTimeout: durationFlag({
    group: GROUP,
    help:
      "give up a visitor's WebSocket that answers no ping and sends no whole message for so long",
    default: 300_000,
    defaultText: "5m",
  }),
  /** Milliseconds without a byte of a request body. */
  bodyTimeout: durationFlag({
    group: GROUP,
    help: "give up a request whose body brings nothing for so long, then 408",
    default: BODY_IDLE_TIMEOUT,
    defaultText: "1m",
  }),
  /** Milliseconds for a whole request head, and for TLS before it. */
  headTimeout: durationFlag({
    group: GROUP,
    help: "with --listener own: wait so long for a request's head, then 408",
    default: USUAL_BOUNDS.headTimeout,
    defaultText: "15s",
  }),
  /** Milliseconds between the requests of a connection. */
  keepaliveTimeout: durationFlag({
    group: GROUP,
    help: "with --listener own: close a connection that brings no request for so long",
    default: USUAL_BOUNDS.keepaliveTimeout,
    defaultText: "75s",
  }),
  /** Milliseconds for a visitor to take some of what is sent. */
  stallTimeout: durationFlag({
    group: GROUP,
    help: "with --listener own: give up a visitor that takes nothing of its answer for so long",
    default: USUAL_BOUNDS.stallTimeout,
    defaultText: "1m",
  }),
  /** Connections of visitors, WebSockets not counted. */
  maxOpenConnections: integerFlag({
    group: GROUP,
    help: "with --listener own: connections at once; more wait until one is closed",
    default: USUAL_BOUNDS.most,
    least: 1,
    most: 1_000_000,
  }),
  /** Of these, what one address has, or one network of IPv6. */
  maxVisitorConnections: integerFlag({
    group: GROUP,
    help: "of these, what one visitor may have, unless it is a trusted proxy; others are closed",
    default: USUAL_BOUNDS.mostPerNetwork,
    least: 1,
    most: 1_000_000,
  }),
  /** Tunnels of the whole server. */
  maxTunnels: integerFlag({
    group: GROUP,
    help: "tunnels on this server",
    default: 20_000,
    least: 1,
    most: 1_000_000,
  }),
  /** Connections of one key: a client opens at most 16, and a new one may overlap an old one that is dying. */
  maxConnections: integerFlag({
    group: GROUP,
    help: "connections of one key's clients",
    default: 64,
    least: 1,
    most: 1000,
  }),
  /** Tunnels of which /metrics has lines of their own; 0 for none at all. */
  metricsTunnels: integerFlag({
    group: GROUP,
    help: "tunnels that /metrics tells one by one, the others together",
    default: 0,
    defaultText: "none",
    least: 0,
    most: 1_000,
  }),
  /** Registrations from one address. */
  registrationRate: rateFlag({
    group: GROUP,
    help: "registrations from one address",
    default: REGISTRATION_RATE,
    defaultText: "600/m",
  }),
};
