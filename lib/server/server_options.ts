import { originOf, parseAuthority } from "../authority.ts";
import {
  type CommandLine,
  type Environment,
  parseCommandLine,
  UsageError,
} from "../command_line.ts";
import {
  choiceFlag,
  durationFlag,
  type Flags,
  integerFlag,
  switchFlag,
  textFlag,
  valueFlag,
} from "../flags.ts";
import type { LogLevel } from "../log.ts";
import { parseAddress } from "../ip_address.ts";
import { AddressSet } from "./address_set.ts";

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
  /** null for text on a terminal and json elsewhere. */
  readonly logFormat: "text" | "json" | null;
  readonly logLevel: LogLevel;
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
      flags: FLAGS,
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
      logFormat: values["log-format"],
      logLevel: values["log-level"],
    },
  };
}

interface Values {
  readonly port: number;
  readonly hostname: string;
  readonly domain: string;
  readonly "public-url": string | null;
  readonly fixed: boolean;
  readonly timeout: number;
  readonly "tls-cert": string | null;
  readonly "tls-key": string | null;
  readonly "trust-proxy": AddressSet | null;
  readonly "log-format": "text" | "json" | null;
  readonly "log-level": LogLevel;
}

const LISTENING = "Listening";
const PUBLIC = "What visitors see";
const LOG = "Log";

const FLAGS: Flags<Values> = {
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

function tlsFiles(certFile: string | null, keyFile: string | null): ServerOptions["tls"] {
  if (certFile !== null && keyFile !== null) return { certFile, keyFile };
  if (certFile !== null) throw new UsageError("--tls-cert needs --tls-key as well");
  if (keyFile !== null) throw new UsageError("--tls-key needs --tls-cert as well");
  return null;
}
