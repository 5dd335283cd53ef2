import { type Command, type Environment, parseCommandLine } from "../../cli/command_line.ts";
import { configFile, SYSTEM } from "./config_folder.ts";
import { type ConfigFileOptions, loadConfigFile, type LoadedConfig } from "./config_file.ts";

const NO_CONFIG: LoadedConfig = { config: null, warning: null };

/**
 * Reads the config file that a command line names, or the usual one, before the command line itself can be understood.
 *
 * @throws {UsageError} at the first word that is wrong.
 * @throws {ProgramError} with status 2 for a file that cannot be used.
 */
export async function findConfig<Values extends { readonly config: string | null }>(
  command: Command<Values>,
  args: readonly string[],
  environment: Environment,
): Promise<LoadedConfig> {
  const line = parseCommandLine(command, args, environment);
  if (line.kind !== "run") return NO_CONFIG;
  const file = fileOf(line.values.config, environment);
  return file === null ? NO_CONFIG : await loadConfigFile(file);
}

/** Returns the file that was named, or for null the usual one; null where the platform has no place for that. */
export function fileOf(
  named: string | null,
  environment: Environment,
  os: string = SYSTEM,
): ConfigFileOptions | null {
  if (named !== null) return { path: named, isNamed: true };
  const path = configFile("config.yaml", environment, os);
  return path === null ? null : { path, isNamed: false };
}
