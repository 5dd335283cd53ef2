import {
  type Command,
  type Environment,
  parseCommandLine,
  type ParsedCommand,
  UsageError,
} from "../cli/command_line.ts";
import type { FlagValues } from "../cli/flags.ts";
import type { HTTPProxy } from "../net/http_proxy.ts";
import { configFile, SYSTEM } from "./config/config_folder.ts";
import type { Config } from "./config/config.ts";
import { CLIENT_FLAGS } from "./flags.ts";
import { checkInspectToken } from "./inspector/inspect_flags.ts";
import type { KeyFileOptions } from "./key_file.ts";
import { proxiesFor } from "./proxies.ts";
import {
  parseService,
  routedService,
  type RouteSpec,
  type ServiceSpec,
} from "./services/service_spec.ts";
import { visitorRules } from "./visitor_flags.ts";

/** The values of the client's flags, and what is made of several of them. */
export interface ClientOptions extends
  Omit<
    FlagValues<typeof CLIENT_FLAGS>,
    "server" | "proxy" | "key" | "host" | "port" | "route" | "strip" | "config"
  > {
  /** The tunnel's name in the config file; empty for the one that the command line describes. */
  readonly tunnel: string;
  /** What the file says of it, by which a change is known; empty for the one that the command line describes. */
  readonly written: string;
  /** Whether the inspector, where there is one, shows its requests. */
  readonly isInspected: boolean;
  /** What answers visitors. */
  readonly service: ServiceSpec;
  /** The servers' origins, http or https, each once. */
  readonly servers: readonly string[];
  /** The proxies on the way to those of the servers that are reached through one. */
  readonly proxies: ReadonlyMap<string, HTTPProxy>;
  readonly keyFile: KeyFileOptions;
}

/** Describes the command that publishes a service; the help calls the program `name`. */
export function clientCommand(name: string): Command<FlagValues<typeof CLIENT_FLAGS>> {
  return {
    name,
    summary: "Publishes a local HTTP service under an address that stays the same.",
    usage:
      `[flags] [service]\n       ${name} start [tunnel…] [flags]\n       ${name} login <server> [flags]\n       ${name} doctor [server] [flags]`,
    flags: CLIENT_FLAGS,
    maxPositionals: 1,
  };
}

/** What a command line is read with, beside the environment. */
export interface ReadingOptions {
  /** What the help calls the program. @default "tunnel-client" */
  readonly name?: string;
  /** Decides where the key is kept. @default the present one */
  readonly os?: string;
  /** What the config file says; null for nothing. @default null */
  readonly config?: Config | null;
}

/**
 * Reads the client's options from its command line, its environment and its config file.
 *
 * @throws {UsageError} at the first thing that is wrong.
 */
export function parseClientOptions(
  args: readonly string[],
  environment: Environment,
  { name = "tunnel-client", os = SYSTEM, config = null }: ReadingOptions = {},
): ParsedCommand<ClientOptions> {
  const settings = new Map(config === null ? [] : [...config.client, ...config.defaults]);
  const line = parseCommandLine(clientCommand(name), args, environment, settings);
  if (line.kind !== "run") return line;
  const { values, positionals: [positional], given } = line;
  if (positional !== undefined && (given.has("port") || given.has("host"))) {
    const flag = given.has("port") ? "--port" : "--host";
    throw new UsageError(`${JSON.stringify(positional)} and ${flag} both say where the service is`);
  }
  const { host, port } = values;
  const isPlaced = positional !== undefined || given.has("port") || given.has("host");
  const single = positional === undefined
    ? { kind: "http", host, port } as const
    : serviceOf(positional);
  const service = values.route.length === 0 ? single : routesOf(values, isPlaced ? single : null);
  const lone = { tunnel: "", written: "", isInspected: true, service };
  return { kind: "run", options: { ...lone, ...sharedOptions(values, environment, os) } };
}

/** Reads what does not depend on the service. @throws {UsageError} for flags that do not go together. */
export function sharedOptions(
  values: FlagValues<typeof CLIENT_FLAGS>,
  environment: Environment,
  os: string,
): Omit<ClientOptions, "tunnel" | "written" | "isInspected" | "service"> {
  const { server, proxy, key, host: _h, port: _p, route: _r, strip: _s, config: _c, ...others } =
    values;
  checkInspectToken(others);
  // They are put together again by who runs the tunnel.
  visitorRules(others);
  const servers = [...new Set(server)];
  return {
    ...others,
    servers,
    proxies: proxiesFor(servers, proxy, environment),
    keyFile: keyFileOf(key, environment, os),
  };
}

/** Puts routes together; a service beside them has what none of them takes. @throws {UsageError} for two of one path. */
export function routesOf(
  { route: given, strip }: Pick<FlagValues<typeof CLIENT_FLAGS>, "route" | "strip">,
  others: ServiceSpec | null,
): ServiceSpec {
  const rest: readonly RouteSpec[] = others === null
    ? []
    : [{ prefix: "", service: others, isStripped: false }];
  try {
    return routedService([...given, ...rest], strip);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new UsageError(cause.message, { cause });
  }
}

function serviceOf(positional: string): ServiceSpec {
  try {
    return parseService(positional);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const message = `the local service ${cause.message}, not ${JSON.stringify(positional)}`;
    throw new UsageError(message, { cause });
  }
}

/** Returns the file of the key that was named, or of the usual one for null. @throws {UsageError} where there is no place for it. */
export function keyFileOf(
  named: string | null,
  environment: Environment,
  os: string,
): KeyFileOptions {
  // A folder that somebody named and that is not there is misspelt, or not mounted.
  if (named !== null) return { path: named, makesFolder: false };
  const path = configFile("key.pem", environment, os);
  if (path !== null) return { path, makesFolder: true };
  const variable = os === "win32" ? "APPDATA" : "HOME";
  throw new UsageError(`--key is needed: there is no ${variable} to find the config folder by`);
}
