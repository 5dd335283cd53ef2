import config from "../../deno.json" with { type: "json" };
import type { Rate } from "../cli/flags.ts";
import { Log } from "../cli/log.ts";
import { OptionError, optionValue, optionValues, refuseOthers } from "../cli/option_values.ts";
import { ALL_STREAM_IDS, type StreamIds } from "../mux/stream_table.ts";
import { AddressSet } from "../net/address_set.ts";
import type { AuthorizedKeys } from "./access/authorized_keys.ts";
import { DenyList } from "./access/deny_list.ts";
import type { Bus } from "./bus/bus.ts";
import { DEFAULT_PORT } from "./flags/listening_flags.ts";
import { TUNNEL_SERVER_FLAGS } from "./flags/server_flags.ts";
import type { ListenerKind } from "./listen/listener.ts";
import type { OwnOptions } from "./options.ts";
import type { Certificate } from "./tls/certificate_source.ts";

/**
 * How a server is run: every option of `tunnel-server` but those that name files, with the same defaults. Times are
 * milliseconds or texts such as `30s`, sizes bytes or texts such as `10mb`. Nothing is read from the environment.
 */
export interface TunnelServerOptions {
  /** The port to listen on; 0 takes a free one. @default 6519 */
  readonly port?: number;
  /** The address to listen on; `::` for IPv6 and IPv4. @default "0.0.0.0" */
  readonly hostname?: string;
  /** What reads visitors' connections: `Deno.serve`, or HTTP/1.1 of this server's own. @default "serve" */
  readonly listener?: ListenerKind;
  /** Whether trusted proxies say with each connection whom it comes from, with the listener `own`. @default false */
  readonly proxyProtocol?: boolean;
  /** The certificate for HTTPS and HTTP/2. @default none, plain HTTP */
  readonly tls?: Certificate | null;
  /** Seconds for which browsers are to come by HTTPS alone, with `tls`. @default they are not told */
  readonly hsts?: number | null;
  /** The proxies whose word on a visitor counts: addresses, networks, `loopback` or `private`, with commas between. @default nobody */
  readonly trustProxy?: AddressSet | string | null;
  /** The name that tunnels are under. @default "localhost" */
  readonly domain?: string;
  /** What visitors type, where a proxy stands before the server. @default made of domain, port and TLS */
  readonly publicUrl?: string | null;
  /** One tunnel for the whole server and every host. @default false */
  readonly fixed?: boolean;
  /** How long to wait for a service to begin its answer, then 504. @default 30 seconds */
  readonly timeout?: number | string;
  /** A secret of 16 bytes or more that clients must know as well. @default none */
  readonly token?: string | null;
  /** The keys that may connect. @default all */
  readonly authorizedKeys?: AuthorizedKeys | null;
  /** Whom the operator keeps away. @default nobody, and who is added is forgotten with the process */
  readonly denyList?: DenyList | null;
  /** A secret of 16 bytes or more that opens the operator's page, /tunnels, and /metrics where the world can ask for it. @default no list */
  readonly adminToken?: string | null;
  /** A port on 127.0.0.1 that shows both without a token; 0 takes a free one. @default none */
  readonly adminPort?: number | null;
  /** The largest request body, then 413. @default no limit */
  readonly maxBody?: number | string | null;
  /** Requests to one tunnel, such as `100/s`, then 429. @default no limit */
  readonly rateLimit?: Rate | string | null;
  /** Requests and WebSockets of one tunnel at once, then 503. @default 1000 */
  readonly maxStreams?: number;
  /** Of these, what one visitor may have, then 429. @default half of them, at least 100 */
  readonly maxVisitorStreams?: number | null;
  /** The largest request head, then 431. @default 64 KiB */
  readonly maxHead?: number | string;
  /** The largest WebSocket message, then close code 1009. @default 64 MiB */
  readonly maxMessage?: number | string;
  /** WebSockets of all visitors at once, then 503. @default 2000 */
  readonly maxWebsockets?: number;
  /** Of these, what one tunnel may have, then 503. @default 500 */
  readonly maxTunnelWebsockets?: number;
  /** And what one visitor may have, then 429. @default 200 */
  readonly maxVisitorWebsockets?: number;
  /** How long a visitor's WebSocket may be silent. @default 5 minutes */
  readonly websocketIdleTimeout?: number | string;
  /** How long a request's body may bring nothing, then 408. @default 1 minute */
  readonly bodyTimeout?: number | string;
  /** How long a request's head may take, with the listener `own`. @default 15 seconds */
  readonly headTimeout?: number | string;
  /** How long a connection may bring no request, likewise. @default 75 seconds */
  readonly keepaliveTimeout?: number | string;
  /** How long a visitor may take nothing of its answer, likewise. @default 1 minute */
  readonly stallTimeout?: number | string;
  /** Connections of visitors at once, likewise. @default 10,000 */
  readonly maxOpenConnections?: number;
  /** Of these, what one visitor may have. @default 1000 */
  readonly maxVisitorConnections?: number;
  /** Tunnels on this server. @default 20,000 */
  readonly maxTunnels?: number;
  /** Connections of one key's clients. @default 64 */
  readonly maxConnections?: number;
  /** Tunnels that /metrics tells one by one, the others together. @default none */
  readonly metricsTunnels?: number;
  /** Registrations from one address. @default 600 a minute */
  readonly registrationRate?: Rate | string;
  /** What the nodes of one domain share; the server closes it in the end. @default none, for a server that is alone */
  readonly bus?: Bus | null;
  /** Where the other nodes reach this one directly. @default over the bus */
  readonly nodeUrl?: string | null;
  /** A second port, for clients alone; 0 takes a free one. @default the same port */
  readonly clientPort?: number | null;
  /** Lets another process listen on the same ports. @default false */
  readonly reusePort?: boolean;
  /** How long to wait for a client that was lost in the last minute, then 502. @default 5 seconds */
  readonly acquireTimeout?: number | string;
  /** How long what is in flight may take to finish when the server stops. @default 30 seconds */
  readonly drainTimeout?: number | string;
  /** Where events are written. @default nowhere */
  readonly log?: Log | null;
  /** Where each request of a visitor is written. @default nowhere */
  readonly accessLog?: Log | null;
  /** The name and version that it gives itself. @default "tunnel/" and its version */
  readonly server?: string;
  /** The stream ids of one session, for tests that spend them. @default all that the wire has */
  readonly streamIds?: StreamIds;
}

/** What a server needs to know: the flags' values, and what is made or opened before it starts. */
export interface CompleteServerOptions extends OwnOptions {
  /** What it shares with the other nodes, and closes in the end; null for a server that is alone. */
  readonly bus: Bus | null;
  readonly tls: Certificate | null;
  /** The keys that may connect; null for all. */
  readonly authorizedKeys: AuthorizedKeys | null;
  readonly denyList: DenyList;
  /** Name and version, as in `tunnel/0.1.0`. */
  readonly server: string;
  readonly log: Log;
  readonly streamIds: StreamIds;
  /** Where each request of a visitor is written; null for nowhere. */
  readonly accessLog: Log | null;
}

/**
 * Reads the options of a server by the flags of the command line, and adds the defaults.
 *
 * @throws {OptionError} at the first that is wrong, and for one that does not exist.
 */
export function completeOptions(options: TunnelServerOptions): CompleteServerOptions {
  refuseOthers(options, [...Object.keys(VALUE_FLAGS), ...OBJECTS]);
  const { trustProxy, tls, bus, authorizedKeys, denyList, log, accessLog, server, streamIds } =
    options;
  const { port, ...values } = optionValues(VALUE_FLAGS, options);
  return {
    ...values,
    port: port ?? DEFAULT_PORT,
    trustProxy: trustProxy instanceof AddressSet
      ? trustProxy
      : optionValue("trustProxy", TRUST_PROXY, trustProxy),
    tls: certificateOf(tls ?? null),
    bus: bus ?? null,
    authorizedKeys: authorizedKeys ?? null,
    denyList: denyList ?? DenyList.inMemory(),
    log: log ?? SILENT,
    accessLog: accessLog ?? null,
    server: server ?? `tunnel/${config.version}`,
    streamIds: streamIds ?? ALL_STREAM_IDS,
  };
}

const { trustProxy: TRUST_PROXY, ...VALUE_FLAGS } = TUNNEL_SERVER_FLAGS;

/** Options that are objects in a program. */
const OBJECTS: readonly (keyof TunnelServerOptions)[] = [
  "trustProxy",
  "tls",
  "bus",
  "authorizedKeys",
  "denyList",
  "log",
  "accessLog",
  "server",
  "streamIds",
];

/** Writes nothing. */
const SILENT = new Log({ format: "text", level: "error", write() {} });

function certificateOf(tls: Certificate | null): Certificate | null {
  if (tls === null || (typeof tls.cert === "string" && typeof tls.key === "string")) return tls;
  throw new OptionError("tls", "must have a certificate (cert) and its key (key), both in PEM");
}
