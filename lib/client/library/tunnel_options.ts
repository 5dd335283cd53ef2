import { durationFlag } from "../../cli/flags.ts";
import { OptionError, optionValue, refuseOthers } from "../../cli/option_values.ts";
import { makeVisitorPolicy } from "../../identity/visitor_policy.ts";
import { certificatesIn } from "../authority_file.ts";
import { CLIENT_FLAGS } from "../flags.ts";
import { DIRECT, proxiesFor } from "../proxies.ts";
import type { InspectorOptions } from "../inspector/inspector.ts";
import { isLoopback } from "../inspector/visit_guard.ts";
import type { TunnelClientOptions } from "../tunnel_client.ts";
import { readTunnelKey } from "./tunnel_key.ts";

/** How a tunnel is published. Nothing is read from the environment. */
export interface TunnelOptions {
  /** The server's URL, or those of several: `https://` unless it says otherwise, but `http://` for localhost and addresses. */
  readonly server: string | readonly string[];
  /**
   * The key that the public address comes from: the path of a file, which is made when it is missing, an Ed25519 private key
   * in PKCS #8 PEM (RFC 8410), a key pair of WebCrypto, or `"memory"` for a new one that ends with the process.
   *
   * @default "memory"
   */
  readonly key?: string | CryptoKeyPair;
  /** Another address from the same key: 1 to 63 letters, digits and inner hyphens. @default the first address */
  readonly label?: string;
  /** A name to wish for, so that the tunnel is at `<name>.<domain>` as well; refused, it is not published. @default none */
  readonly name?: string | null;
  /** The server's shared secret. @default none */
  readonly token?: string | null;
  /** What visitors must present (RFC 7617); it leaves this machine as a salted hash. @default nothing */
  readonly basicAuth?: BasicAuth | null;
  /** The visitors that are let in: addresses and networks such as `10.0.0.0/8`. @default everybody */
  readonly allowIp?: string | readonly string[];
  /** WebSockets to each server, from 1 to 16. @default 2 */
  readonly connections?: number;
  /** An HTTP proxy on the way to the servers, as `http://user:password@host:port`. @default none */
  readonly proxy?: string | null;
  /** Certificates in PEM (RFC 7468) of authorities that are trusted for the servers beside the usual ones. @default none */
  readonly authorities?: string | readonly string[];
  /** Closes the tunnel when it aborts, as `close()` does; before the tunnel is online, it is given up. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds in which a first server must have taken the tunnel; `Infinity` for as long as it takes. Later the tunnel
   * comes back by itself, however long that takes.
   *
   * @default 30 seconds
   */
  readonly connectTimeout?: number;
  /**
   * Where requests are seen and sent again: a port or an address of this machine such as `127.0.0.1:4040`, or the next free
   * one of ten ports. `tunnel.inspector` tells which.
   *
   * @default none
   */
  readonly inspector?: number | string | InspectorSettings | null;
}

/** An inspector with more than an address. */
export interface InspectorSettings {
  /** A port, or an address and a port. @default "127.0.0.1:4040" */
  readonly address?: number | string;
  /** A secret that it asks for; needed when it listens for other machines. @default none */
  readonly token?: string | null;
  /** Bytes that recorded requests may take, or a text such as `10mib`; the oldest are forgotten first. @default 64 MiB */
  readonly memory?: number | string;
}

/** What visitors must present. */
export interface BasicAuth {
  /** At most 128 bytes without a colon or control characters. */
  readonly user: string;
  /** At most 512 bytes without control characters. */
  readonly password: string;
}

/** The options of a tunnel once they were read: parsed, with their defaults, and with the key. */
export interface ReadTunnelOptions
  extends
    Omit<TunnelClientOptions, "service" | "mark" | "once" | "proxies">,
    Required<Pick<TunnelClientOptions, "proxies">> {
  readonly signal: AbortSignal | null;
  /** In milliseconds; may be infinite. */
  readonly connectTimeout: number;
  readonly inspector: Pick<InspectorOptions, "place" | "token" | "memory"> | null;
}

/** The names of all options; the type has them all. */
export const TUNNEL_OPTIONS: readonly (keyof TunnelOptions)[] = [
  "server",
  "key",
  "label",
  "name",
  "token",
  "basicAuth",
  "allowIp",
  "connections",
  "proxy",
  "authorities",
  "signal",
  "connectTimeout",
  "inspector",
];

/**
 * Reads the options of a tunnel by the flags of the command line.
 *
 * @throws {OptionError} at the first that is wrong, and for one that does not exist.
 */
export async function readTunnelOptions(options: TunnelOptions): Promise<ReadTunnelOptions> {
  refuseOthers(options, TUNNEL_OPTIONS);
  if (options.server === undefined) {
    throw new OptionError("server", "is needed: the URL of a tunnel server");
  }
  const { server, label, name, token, connections, proxy: proxyFlag, ...others } = CLIENT_FLAGS;
  const servers = [...new Set(optionValue("server", server, options.server))];
  const proxy = optionValue("proxy", proxyFlag, options.proxy) ?? DIRECT;
  const rules = {
    basicAuth: optionValue("basicAuth", others.basicAuth, options.basicAuth),
    allowIp: optionValue("allowIp", others.allowIp, options.allowIp),
  };
  return {
    servers,
    proxies: proxiesFor(servers, proxy, {}),
    label: optionValue("label", label, options.label),
    name: optionValue("name", name, options.name),
    token: optionValue("token", token, options.token),
    connections: optionValue("connections", connections, options.connections),
    authorities: authoritiesOf("authorities", options.authorities),
    signal: signalOf(options.signal),
    connectTimeout: timeoutOf(options.connectTimeout),
    inspector: inspectorOf(options.inspector),
    policy: await makeVisitorPolicy(rules),
    // It comes last: a key file is made only for a tunnel whose other options are right.
    key: await readTunnelKey(options.key ?? "memory"),
  };
}

/** A file's server can be down for as long; a program that cannot be published should not wait for longer unasked. */
const CONNECT_TIMEOUT = durationFlag({
  group: "The tunnel's server",
  help: "how long to wait for a first server",
  default: 30_000,
});

function timeoutOf(timeout: number | undefined): number {
  return timeout === Infinity ? timeout : optionValue("connectTimeout", CONNECT_TIMEOUT, timeout);
}

function signalOf(signal: AbortSignal | undefined): AbortSignal | null {
  if (signal === undefined) return null;
  if (signal instanceof AbortSignal) return signal;
  throw new OptionError("signal", "must be an AbortSignal");
}

/** Finds the certificates that an option gives. @throws {OptionError} for a text without any. */
export function authoritiesOf(
  option: string,
  authorities: string | readonly string[] = [],
): readonly string[] {
  const texts: readonly unknown[] = Array.isArray(authorities) ? authorities : [authorities];
  return texts.flatMap((text) => {
    try {
      return certificatesIn(typeof text === "string" ? text : "");
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new OptionError(option, cause.message, { cause });
    }
  });
}

function inspectorOf(inspector: TunnelOptions["inspector"]): ReadTunnelOptions["inspector"] {
  if (inspector === undefined || inspector === null) return null;
  if (!("Deno" in globalThis)) throw new OptionError("inspector", "needs Deno");
  const settings = typeof inspector === "object" ? inspector : { address: inspector };
  refuseOthers(settings, ["address", "token", "memory"]);
  const { inspect, inspectToken, inspectMemory } = CLIENT_FLAGS;
  const place = optionValue("inspector", inspect, textOf(settings.address));
  const token = optionValue("inspector.token", inspectToken, settings.token);
  const memory = optionValue("inspector.memory", inspectMemory, settings.memory);
  if (place === null) return null;
  if (token === null && !isLoopback(place.host)) {
    throw new OptionError("inspector", "is for other machines too and needs a token");
  }
  return { place, token, memory };
}

/** A port may be a number. */
function textOf(address: number | string | undefined): string | undefined {
  return address === undefined ? undefined : String(address);
}
