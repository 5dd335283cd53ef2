import { type Environment, type ParsedCommand, UsageError } from "../../cli/command_line.ts";
import { flagName } from "../../cli/flags.ts";
import { ProgramError } from "../../cli/program.ts";
import { rememberedEnvironment } from "../../cli/remembered_environment.ts";
import type { LoadedConfig } from "../config/config_file.ts";
import { findConfig } from "../config/find_config.ts";
import type { ClientOptions } from "../options.ts";
import { parseStartOptions, startCommand, type StartOptions } from "../start_options.ts";

/** Variables that a changed file may make a matter of, beside those of flags. */
const VARIABLES: readonly string[] = [
  ...["HOME", "XDG_CONFIG_HOME", "APPDATA"],
  ...["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"],
];

/** Options that a running client does not change. */
const FIXED: readonly (keyof ClientOptions)[] = [
  ...["keyFile", "inspect", "inspectMemory", "inspectToken"] as const,
  ...["logFormat", "logLevel", "qr", "open"] as const,
];

/** The command line of `tunnel-client start`, which is read again with each change of the file. */
export class StartCommand {
  readonly #name: string;
  readonly #args: readonly string[];
  readonly #environment: Environment;
  #first: ClientOptions | null = null;

  constructor(args: readonly string[], environment: Environment, name: string) {
    this.#name = name;
    this.#args = args;
    this.#environment = rememberedEnvironment(environment, VARIABLES);
  }

  /** Reads it for the first time. @throws {UsageError | ProgramError} at the first thing that is wrong. */
  async read(): Promise<{
    readonly command: ParsedCommand<StartOptions>;
    readonly warning: string | null;
  }> {
    const { config, warning } = await this.#load();
    const command = parseStartOptions(this.#args, this.#environment, { name: this.#name, config });
    if (command.kind === "run") [this.#first] = command.options.tunnels;
    return { command, warning };
  }

  /**
   * Reads it again.
   *
   * @returns the tunnels that are to run, and sentences for the owner; no tunnels where something is wrong.
   */
  async readAgain(): Promise<{
    readonly tunnels: readonly ClientOptions[];
    readonly warnings: readonly string[];
  }> {
    try {
      const first = this.#first;
      const { command, warning } = await this.read();
      // What runs now stays what others are compared with.
      this.#first = first;
      if (command.kind !== "run" || first === null) return { tunnels: [], warnings: [] };
      const { tunnels } = command.options;
      const others = FIXED.filter((option) =>
        JSON.stringify(tunnels[0][option]) !== JSON.stringify(first[option])
      );
      const warnings = warning === null ? [] : [warning];
      if (others.length > 0) warnings.push(needsRestart(others));
      return { tunnels, warnings };
    } catch (error) {
      if (!(error instanceof UsageError || error instanceof ProgramError)) throw error;
      return { tunnels: [], warnings: [`${error.message}. All tunnels go on as they were`] };
    }
  }

  #load(): Promise<LoadedConfig> {
    return findConfig(startCommand(this.#name), this.#args, this.#environment);
  }
}

function needsRestart(options: readonly string[]): string {
  const names = options.map((option) => flagName(option === "keyFile" ? "key" : option));
  return `a client takes ${names.join(", ")} only when it starts: restart it for that`;
}
