import {
  type Command,
  type Environment,
  lookUp,
  parseCommandLine,
  type ParsedCommand,
  UsageError,
  variableOf,
} from "../../cli/command_line.ts";
import type { FlagValues } from "../../cli/flags.ts";
import { SYSTEM } from "../config/config_folder.ts";
import type { ConfigFileOptions } from "../config/config_file.ts";
import { fileOf } from "../config/find_config.ts";
import { CLIENT_FLAGS, readServers } from "../flags.ts";
import { type ClientOptions, keyFileOf, type ReadingOptions } from "../options.ts";
import { proxiesFor } from "../proxies.ts";

const { token, proxy, serverCa, key, config } = CLIENT_FLAGS;

/** The flags of `tunnel-client login`: what leads to a server, and where it is remembered. */
const LOGIN_FLAGS = { token, proxy, serverCa, key, config };

/** What the command line of a login gives. */
export interface LoginOptions
  extends Pick<ClientOptions, "token" | "serverCa" | "proxies" | "keyFile"> {
  readonly server: string;
  readonly configFile: ConfigFileOptions;
  /** Environment variables that are asked before the file. */
  readonly overriding: readonly string[];
}

/** Describes the command; the help calls the program `name`. */
export function loginCommand(name: string): Command<FlagValues<typeof LOGIN_FLAGS>> {
  return {
    name: `${name} login`,
    summary:
      "Remembers a server and its token in the config file, once the server has taken both. " +
      "Without --token the token is asked for, or read from standard input.",
    usage: "<server> [flags]",
    flags: LOGIN_FLAGS,
    maxPositionals: 1,
  };
}

/**
 * Reads what stands behind `login` on the command line, the environment and the config file.
 *
 * @throws {UsageError} at the first thing that is wrong.
 */
export function parseLoginOptions(
  args: readonly string[],
  environment: Environment,
  { name = "tunnel-client", os = SYSTEM, config = null }: ReadingOptions = {},
): ParsedCommand<LoginOptions> {
  // The file's token is that of the server before.
  const settings = new Map([...config?.client ?? []].filter(([name]) => name !== "token"));
  const line = parseCommandLine(loginCommand(name), args, environment, settings);
  if (line.kind !== "run") return line;
  const { values, positionals: [named] } = line;
  if (named === undefined) throw new UsageError("the server is missing: login <server>");
  const servers = readServers(named);
  const configFile = fileOf(values.config, environment, os);
  if (configFile === null) throw new UsageError("--config is needed: there is no config folder");
  return {
    kind: "run",
    options: {
      server: servers[0] ?? "",
      token: values.token,
      serverCa: values.serverCa,
      proxies: proxiesFor(servers, values.proxy, environment),
      keyFile: keyFileOf(values.key, environment, os),
      configFile,
      overriding: ["server", "token"].map(variableOf).filter((variable) =>
        (lookUp(environment, variable) ?? "").trim() !== ""
      ),
    },
  };
}
