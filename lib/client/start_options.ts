import {
  type Command,
  type Environment,
  lookUp,
  parseCommandLine,
  type ParsedCommand,
  UsageError,
  variableOf,
} from "../cli/command_line.ts";
import { flagName, type FlagValues, switchFlag } from "../cli/flags.ts";
import { didYouMean } from "../cli/did_you_mean.ts";
import { ProgramError } from "../cli/program.ts";
import { quoted } from "../cli/safe_text.ts";
import type { Config, Settings, TunnelSection } from "./config/config.ts";
import { SYSTEM } from "./config/config_folder.ts";
import { CLIENT_FLAGS, CONFIG } from "./flags.ts";
import {
  clientCommand,
  type ClientOptions,
  type ReadingOptions,
  routesOf,
  sharedOptions,
} from "./options.ts";
import { parseService } from "./services/service_spec.ts";

/** The flags that no other command has. */
export const START_OWN_FLAGS = {
  /** Look whether the file has changed. */
  watch: switchFlag({
    group: CONFIG,
    help: "look once a second whether the file has changed, and do then what SIGHUP does",
  }),
};

/** Tells one tunnel from the others, or where its service is, so that no flag can say it of all of them. */
const { port, host, route, strip, label, name: wish, once, showKey, ...others } = CLIENT_FLAGS;

/** The flags of `tunnel-client start`. */
const START_FLAGS = { ...others, ...START_OWN_FLAGS };

const OF_THE_FILE: readonly string[] = Object.keys({
  ...{ port, host, route, strip, label, name: wish, once, showKey },
});

/** Tunnels that are named at once, at most; a file has no more. */
const MAX_NAMES = 100;

/**
 * Connections of all tunnels together, unless it is said how many each has: a server usually lets a key have 64, and
 * those of tunnels that are being replaced come on top for a while.
 */
const MAX_CONNECTIONS = 48;

/** The tunnels to start. */
export interface StartOptions {
  /** In the order of the file; what is not a tunnel's own is the same in all. */
  readonly tunnels: readonly [ClientOptions, ...ClientOptions[]];
  /** The path of the file that has them. */
  readonly path: string;
  /** Whether it is watched. */
  readonly watch: boolean;
}

/** Describes the command; the help calls the program `name`. */
export function startCommand(name: string): Command<FlagValues<typeof START_FLAGS>> {
  return {
    name: `${name} start`,
    summary: "Starts the tunnels of the config file, all or those that are named. " +
      "SIGHUP reads the file again and changes those that are to be others.",
    usage: "[tunnel…] [flags]",
    flags: START_FLAGS,
    maxPositionals: MAX_NAMES,
  };
}

/**
 * Reads what stands behind `start` on the command line, the environment and the config file.
 *
 * @throws {UsageError | ProgramError} at the first thing that is wrong.
 */
export function parseStartOptions(
  args: readonly string[],
  environment: Environment,
  { name = "tunnel-client", os = SYSTEM, config = null }: ReadingOptions = {},
): ParsedCommand<StartOptions> {
  const line = parseCommandLine(startCommand(name), args, environment, config?.client);
  if (line.kind !== "run") return line;
  const { path, client, tunnels } = startable(config);
  const sections = chosen(tunnels, line.positionals, path);
  const flags = { ...CLIENT_FLAGS, ...START_OWN_FLAGS };
  const command = { ...clientCommand(name), flags, maxPositionals: MAX_NAMES };
  const fewest = Math.max(1, Math.floor(MAX_CONNECTIONS / sections.length));
  const [first, ...rest] = sections.map(([tunnel, section]): ClientOptions => {
    // A tunnel that names no label has its own address all the same; an empty one is the flag's default.
    const [label = tunnel] = section.settings.get("label") ?? [];
    const settings = new Map([...client, ...section.settings, ["label", [label]] as const]);
    if (label === "") settings.delete("label");
    const own = parseCommandLine(command, args, withoutOwn(environment), settings);
    if (own.kind !== "run") throw new TypeError("a command line means two things");
    const { watch: _, ...values } = own.values;
    const single = section.service === null ? null : parseService(section.service);
    const isCounted = settings.has(CONNECTIONS) || own.given.has(CONNECTIONS) ||
      (lookUp(environment, variableOf(CONNECTIONS)) ?? "") !== "";
    const { connections } = values;
    const isRouted = values.route.length > 0 || single === null;
    return {
      ...sharedOptions(values, environment, os),
      connections: isCounted ? connections : Math.min(connections, fewest),
      ...{ tunnel, isInspected: section.isInspected, written: writtenOf(client, section) },
      service: isRouted ? routesOf(values, single) : single,
    };
  });
  if (first === undefined) throw new TypeError("no tunnel is left");
  checkAddresses([first, ...rest], path);
  const { watch } = line.values;
  return { kind: "run", options: { tunnels: [first, ...rest], path, watch } };
}

/** @throws {ProgramError} where there is nothing to start. */
function startable(config: Config | null): Config {
  const example = "tunnels:, and below it web: 3000 after two blanks";
  if (config === null) {
    throw new ProgramError(`there is no config file with tunnels: write one with ${example}`, 2);
  }
  if (config.tunnels.size > 0) return config;
  throw new ProgramError(`${config.path} has no tunnels: write ${example}`, 2);
}

/** @throws {UsageError} for a name that no tunnel has. */
function chosen(
  tunnels: Config["tunnels"],
  names: readonly string[],
  path: string,
): (readonly [string, TunnelSection])[] {
  const known = [...tunnels.keys()];
  const unknown = names.find((name) => !tunnels.has(name));
  if (unknown !== undefined) {
    const there = `there are ${known.join(", ")}${didYouMean(unknown, known)}`;
    throw new UsageError(`${path} has no tunnel ${quoted(unknown)}: ${there}`);
  }
  return [...tunnels].filter(([name]) => names.length === 0 || names.includes(name));
}

const CONNECTIONS = "connections";

/** Takes those variables away that would say the same of several tunnels what only one can have. */
function withoutOwn(environment: Environment): Environment {
  const own = new Set(OF_THE_FILE.map((option) => variableOf(flagName(option))));
  return (variable) => own.has(variable) ? undefined : lookUp(environment, variable);
}

/** Settings of the client that a running one does not change. */
const FIXED_SETTINGS: readonly string[] = [
  ...["key", "inspect", "inspect-memory", "inspect-token"],
  ...["log-format", "log-level", "qr", "open"],
];

function writtenOf(client: Settings, section: TunnelSection): string {
  const others = [...client].filter(([name]) => !FIXED_SETTINGS.includes(name));
  return JSON.stringify([others, section.service, [...section.settings], section.isInspected]);
}

/** @throws {ProgramError} for two tunnels with one address. */
function checkAddresses(tunnels: readonly ClientOptions[], path: string): void {
  const labels = new Map<string, string>();
  const wishes = new Map<string, string>();
  for (const { tunnel, label, name } of tunnels) {
    const other = labels.get(label);
    if (other !== undefined) {
      const sentence = `the tunnels ${other} and ${tunnel} have the same label, and so one address`;
      throw new ProgramError(`${path}: ${sentence}: give one of them another`, 2);
    }
    labels.set(label, tunnel);
    if (name === null) continue;
    const rival = wishes.get(name);
    if (rival !== undefined) {
      const sentence = `the tunnels ${rival} and ${tunnel} both want the name ${name}`;
      throw new ProgramError(`${path}: ${sentence}: give one of them another`, 2);
    }
    wishes.set(name, tunnel);
  }
}
