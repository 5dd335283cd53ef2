import { join } from "node:path";
import {
  type Environment,
  lookUp,
  parseCommandLine,
  type ParsedCommand,
  UsageError,
} from "../cli/command_line.ts";
import { flagName, type FlagValues, valuesOf } from "../cli/flags.ts";
import { isPublic } from "./access/client_token.ts";
import type { CERTIFICATE_FLAGS } from "./flags/certificate_flags.ts";
import { DEFAULT_PORT } from "./flags/listening_flags.ts";
import { SERVER_FLAGS, TUNNEL_SERVER_FLAGS } from "./flags/server_flags.ts";
import type { ExternalAccount } from "./tls/account_key.ts";
import type { Resolver } from "./tls/dns_lookup.ts";

type Values = FlagValues<typeof SERVER_FLAGS>;

/** Flags whose values become something else below. */
type Combined = keyof typeof CERTIFICATE_FLAGS | "port";

/** What the server's flags give, and what is made of several of them. */
export interface ServerOptions extends Omit<Values, Combined> {
  readonly port: number;
  /** The path of the folder for what the server keeps; null where there is none. */
  readonly state: string | null;
  /** Where visitors are sent to HTTPS; null for nowhere. */
  readonly httpPort: number | null;
  /** Paths of PEM files, which are not read here. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
  /** How certificates are got; null for a server that gets none. */
  readonly acme: ACMEOptions | null;
}

/** How a server gets certificates. */
export interface ACMEOptions {
  readonly mail: string;
  /** The URL of the authority's directory. */
  readonly directory: string;
  readonly external: ExternalAccount | null;
  readonly dnsPort: number;
  readonly resolver: Resolver;
  /** A program that sets TXT records; null for the server's own responder, or HTTP with `fixed`. */
  readonly hook: string | null;
  /** What the nodes of one domain know, with a bus; null for a server that is alone. */
  readonly secret: string | null;
}

/** Returns the options of the server itself, without those of the program around it. */
export function ownOptions(options: ServerOptions): OwnOptions {
  return { ...valuesOf(TUNNEL_SERVER_FLAGS, options), port: options.port };
}

/** What the flags say of the server itself. */
export type OwnOptions = Omit<FlagValues<typeof TUNNEL_SERVER_FLAGS>, "port"> & {
  readonly port: number;
};

/**
 * Reads what the server was told on its command line and in its environment; `name` is what the help calls it.
 *
 * @throws {UsageError} at the first thing that is wrong.
 */
export function parseServerOptions(
  args: readonly string[],
  environment: Environment,
  { name = "tunnel-server" }: { readonly name?: string } = {},
): ParsedCommand<ServerOptions> {
  const line = parseCommandLine(
    {
      name,
      summary: "Gives local services public addresses, through the clients that connect here.",
      usage:
        `[flags]\n       ${name} doctor [flags]\n       ${name} admin list|bans|disconnect|ban|unban [flags]`,
      flags: SERVER_FLAGS,
      maxPositionals: 0,
    },
    args,
    environment,
  );
  if (line.kind !== "run") return line;
  const { values, given } = line;
  const {
    tlsCert,
    tlsKey,
    acme: mail,
    acmeDirectory,
    acmeDnsPort,
    acmeResolver,
    acmeHook,
    acmeKeyId,
    acmeHmacKey,
    acmeSecret,
    state,
    ...others
  } = values;
  const tls = tlsFiles(tlsCert, tlsKey);
  if (mail === null) {
    const useless = [...given].find((option) => option.startsWith("acme"));
    if (useless !== undefined) throw new UsageError(`--${flagName(useless)} needs --acme as well`);
  }
  const acme: ACMEOptions | null = mail === null ? null : {
    mail,
    directory: acmeDirectory,
    external: externalAccount(acmeKeyId, acmeHmacKey),
    dnsPort: acmeDnsPort,
    resolver: acmeResolver,
    hook: acmeHook,
    secret: acmeSecret,
  };
  const httpPort = others.httpPort ?? (acme === null ? "off" : HTTP_PORT);
  const options: ServerOptions = {
    ...others,
    port: others.port ?? (acme === null ? DEFAULT_PORT : HTTPS_PORT),
    httpPort: httpPort === "off" ? null : httpPort,
    // A renewed certificate needs a second listener beside the first: without one, clients would be away for a moment.
    reusePort: others.reusePort || (acme !== null && Deno.build.os === "linux"),
    state: state ?? usualFolder(environment),
    tls,
    acme,
  };
  checkTogether(options);
  return { kind: "run", options };
}

/** The ports of the web (RFC 9110 section 4.2). */
const HTTPS_PORT = 443;
const HTTP_PORT = 80;

/** @throws {UsageError} for flags that cannot be meant together. */
function checkTogether(options: ServerOptions): void {
  const { acme, tls, bus, domain, fixed, httpPort, hsts, state } = options;
  checkAccess(options);
  const isSecure = acme !== null || tls !== null;
  if (hsts !== null && !isSecure) throw new UsageError("--hsts needs --acme or --tls-cert");
  if (httpPort !== null && !isSecure) {
    throw new UsageError("--http-port needs --acme or --tls-cert");
  }
  checkProxyProtocol(options, isSecure);
  if (acme === null) return;
  if (state === null) {
    throw new UsageError("--acme needs --state, a folder to keep account and certificate in");
  }
  if (tls !== null) {
    throw new UsageError("--acme gets a certificate, so --tls-cert is one too many");
  }
  if (domain === "localhost" || domain.endsWith(".localhost") || !domain.includes(".")) {
    throw new UsageError(
      "--acme needs --domain, a name that all the world can look up, such as tunnel.example.com",
    );
  }
  if (bus !== "memory" && acme.secret === null) {
    throw new UsageError(
      "--acme with --bus needs --acme-secret, the same at every node: the certificate that they " +
        "share is encrypted with it (openssl rand -hex 32)",
    );
  }
  if (bus === "memory" && acme.secret !== null) {
    throw new UsageError("--acme-secret needs --bus: it is for what nodes share");
  }
  if (fixed && acme.hook === null && httpPort === null) {
    throw new UsageError("--acme with --fixed needs --http-port, where the authority looks");
  }
}

function checkProxyProtocol(
  { proxyProtocol, listener, trustProxy }: ServerOptions,
  isSecure: boolean,
): void {
  if (!proxyProtocol) return;
  if (listener !== "own" || trustProxy === null) {
    throw new UsageError(
      "--proxy-protocol needs --listener own, and --trust-proxy with the proxies that speak it",
    );
  }
  if (isSecure) {
    throw new UsageError(
      "--proxy-protocol comes before TLS, which Deno begins at once: leave TLS to the proxy",
    );
  }
}

/** Whether the server makes the token that its clients need. */
export function makesToken({ token, authorizedKeys, open, ...options }: ServerOptions): boolean {
  return isPublic(options) && token === null && authorizedKeys === null && !open;
}

/** @throws {UsageError} for a server of which it is not clear whom it lets in. */
function checkAccess(options: ServerOptions): void {
  const { token, authorizedKeys, open, bus, state } = options;
  if (open && (token !== null || authorizedKeys !== null)) {
    const other = token === null ? "--authorized-keys" : "--token";
    throw new UsageError(`--open lets everybody connect, so ${other} is one too many`);
  }
  if (!makesToken(options)) return;
  // Nodes would each make their own.
  if (bus !== "memory") {
    throw new UsageError(
      "--bus needs the same --token or --authorized-keys on each node, or --open for everybody",
    );
  }
  if (state === null) {
    throw new UsageError(
      "clients of this server need a token: give --state, a folder to keep it in, or --token, " +
        "--authorized-keys or --open",
    );
  }
}

/** Returns where a user's programs keep what must outlive them, on the system that the variables are of; null for nowhere. */
function usualFolder(environment: Environment): string | null {
  const bases = [["XDG_STATE_HOME", ""], ["HOME", ".local/state"], ["LOCALAPPDATA", ""]] as const;
  for (const [variable, below] of bases) {
    const base = lookUp(environment, variable) ?? "";
    if (base !== "") return join(base, below, "tunnel-server");
  }
  return null;
}

function externalAccount(keyId: string | null, hmacKey: string | null): ExternalAccount | null {
  if (keyId !== null && hmacKey !== null) return { keyId, hmacKey };
  if (keyId !== null) throw new UsageError("--acme-key-id needs --acme-hmac-key as well");
  if (hmacKey !== null) throw new UsageError("--acme-hmac-key needs --acme-key-id as well");
  return null;
}

function tlsFiles(certFile: string | null, keyFile: string | null): ServerOptions["tls"] {
  if (certFile !== null && keyFile !== null) return { certFile, keyFile };
  if (certFile !== null) throw new UsageError("--tls-cert needs --tls-key as well");
  if (keyFile !== null) throw new UsageError("--tls-key needs --tls-cert as well");
  return null;
}
