import {
  type Command,
  type Environment,
  parseCommandLine,
  type ParsedCommand,
  UsageError,
} from "../../cli/command_line.ts";
import { quotedOpenly } from "../../cli/safe_text.ts";
import type { FlagValues } from "../../cli/flags.ts";
import { readServers } from "../flags.ts";
import { keyFileOf } from "../options.ts";
import type { ClientOptions, ReadingOptions } from "../options.ts";
import { SYSTEM } from "../config/config_folder.ts";
import { proxiesFor } from "../proxies.ts";
import { DOCTOR_FLAGS } from "./doctor_flags.ts";

/** What the doctor's flags give, and what is made of several of them. */
export interface DoctorOptions
  extends
    Omit<FlagValues<typeof DOCTOR_FLAGS>, "server" | "proxy" | "key" | "config">,
    Pick<ClientOptions, "servers" | "proxies" | "keyFile"> {}

/** Describes the command; the help calls the program `name`. */
export function doctorCommand(name: string): Command<FlagValues<typeof DOCTOR_FLAGS>> {
  return {
    name: `${name} doctor`,
    summary: "Checks the way to a server and back through the public URL, and says what is wrong.",
    usage: "[server] [flags]",
    flags: DOCTOR_FLAGS,
    maxPositionals: 1,
  };
}

/**
 * Reads what stands behind `doctor` on the command line, the environment and the config file.
 *
 * @throws {UsageError} at the first thing that is wrong.
 */
export function parseDoctorOptions(
  args: readonly string[],
  environment: Environment,
  { name = "tunnel-client", os = SYSTEM, config = null }: ReadingOptions = {},
): ParsedCommand<DoctorOptions> {
  const line = parseCommandLine(doctorCommand(name), args, environment, config?.client);
  if (line.kind !== "run") return line;
  const { values: { server, proxy, key, config: _, ...values }, positionals: [named], given } =
    line;
  if (named !== undefined && given.has("server")) {
    throw new UsageError(`${quotedOpenly(named)} and --server both name the server`);
  }
  const servers = [...new Set(named === undefined ? server : readServers(named))];
  return {
    kind: "run",
    options: {
      ...values,
      servers,
      proxies: proxiesFor(servers, proxy, environment),
      keyFile: keyFileOf(key, environment, os),
    },
  };
}
