import {
  type CommandLine,
  type Environment,
  parseCommandLine,
  UsageError,
} from "../cli/command_line.ts";
import type { Rate } from "../cli/flags.ts";
import type { LogLevel } from "../cli/log.ts";
import type { AddressSet } from "../net/address_set.ts";
import { SERVER_FLAGS } from "./flags.ts";

export interface ServerOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  /** The address to listen on, IPv6 without brackets. */
  readonly hostname: string;
  /** In lower case, without a trailing dot. */
  readonly domain: string;
  /** An origin without a path; null for the one that domain, port and TLS make. */
  readonly publicUrl: string | null;
  /** Milliseconds to wait for the origin's response head. */
  readonly timeout: number;
  /** Paths of PEM files, which are not read here. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
  readonly trustProxy: AddressSet | null;
  readonly fixed: boolean;
  /** The second listener's port, for clients alone; null for none. */
  readonly clientPort: number | null;
  readonly reusePort: boolean;
  /** Milliseconds to wait for a tunnel that was here a moment ago. */
  readonly acquireTimeout: number;
  /** Milliseconds that what is in flight may take to finish. */
  readonly drainTimeout: number;
  /** `memory`, or the URL of a Redis server. */
  readonly bus: string;
  /** An origin without a path. */
  readonly nodeUrl: string | null;
  readonly token: string | null;
  /** The path of a file that is not read here. */
  readonly authorizedKeys: string | null;
  readonly adminToken: string | null;
  readonly limits: Limits;
  /** null for text on a terminal and json elsewhere. */
  readonly logFormat: "text" | "json" | null;
  readonly logLevel: LogLevel;
}

/** What one tunnel, one client and one address may have; null for no limit. */
export interface Limits {
  /** Bytes of a request body. */
  readonly body: number | null;
  /** Requests to one tunnel. */
  readonly requests: Rate | null;
  /** Requests and WebSockets of one tunnel at once. */
  readonly streams: number;
  /** Of these, what one visitor may have; null for half, or 100 where that is more. */
  readonly visitorStreams: number | null;
  /** Bytes of a request head. */
  readonly head: number;
  /** Bytes of a WebSocket message. */
  readonly message: number;
  /** Tunnels of the whole server. */
  readonly tunnels: number;
  /** Connections of one key. */
  readonly connections: number;
  /** Registrations from one address. */
  readonly registrations: Rate;
}

export type ServerCommand =
  | { readonly kind: "run"; readonly options: ServerOptions }
  | Exclude<CommandLine<unknown>, { readonly kind: "run" }>;

/**
 * Reads what the server was told on its command line and in its environment.
 *
 * @throws {UsageError} at the first thing that is wrong.
 */
export function parseServerOptions(
  args: readonly string[],
  environment: Environment,
): ServerCommand {
  const line = parseCommandLine(
    {
      name: "tunnel-server",
      summary: "Gives local services public addresses, through the clients that connect here.",
      usage: "[flags]",
      flags: SERVER_FLAGS,
      maxPositionals: 0,
    },
    args,
    environment,
  );
  if (line.kind !== "run") return line;
  const { values } = line;
  return {
    kind: "run",
    options: {
      port: values.port,
      hostname: values.hostname,
      domain: values.domain,
      publicUrl: values["public-url"],
      timeout: values.timeout,
      tls: tlsFiles(values["tls-cert"], values["tls-key"]),
      trustProxy: values["trust-proxy"],
      fixed: values.fixed,
      clientPort: values["client-port"],
      reusePort: values["reuse-port"],
      acquireTimeout: values["acquire-timeout"],
      drainTimeout: values["drain-timeout"],
      bus: values.bus,
      nodeUrl: values["node-url"],
      token: values.token,
      authorizedKeys: values["authorized-keys"],
      adminToken: values["admin-token"],
      limits: {
        body: values["max-body"],
        requests: values["rate-limit"],
        streams: values["max-streams"],
        visitorStreams: values["max-visitor-streams"],
        head: values["max-head"],
        message: values["max-message"],
        tunnels: values["max-tunnels"],
        connections: values["max-connections"],
        registrations: values["registration-rate"],
      },
      logFormat: values["log-format"],
      logLevel: values["log-level"],
    },
  };
}

function tlsFiles(certFile: string | null, keyFile: string | null): ServerOptions["tls"] {
  if (certFile !== null && keyFile !== null) return { certFile, keyFile };
  if (certFile !== null) throw new UsageError("--tls-cert needs --tls-key as well");
  if (keyFile !== null) throw new UsageError("--tls-key needs --tls-cert as well");
  return null;
}
