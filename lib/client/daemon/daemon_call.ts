import type { Environment } from "../../cli/command_line.ts";
import { lookUp, variableOf } from "../../cli/command_line.ts";
import { flagName } from "../../cli/flags.ts";
import { CLIENT_FLAGS } from "../flags.ts";

/** A call of this program that the system is to make. */
export interface DaemonCall {
  /** The program, by its whole path, and what stands behind it. */
  readonly words: readonly string[];
  /** Where it is started, so that relative paths lead to what they lead to now. */
  readonly folder: string;
  /** Whether it reads its config file again at SIGHUP. */
  readonly isReloadable: boolean;
}

/** Flags that ask for a file of the system's instead of a tunnel. */
const PRINTING = ["print-unit", "print-launchd"] as const;

/** Flags with a secret, which stands in the file that is printed. */
const SECRETS: readonly string[] = ["token", "basic-auth", "inspect-token", "proxy"];

/** Makes the call that a command line would be without its wish for a file. */
export function daemonCall(
  program: readonly string[],
  args: readonly string[],
  folder: string,
): DaemonCall {
  const others = args.filter((word) => !isPrinting(word));
  return { words: [...program, ...others], folder, isReloadable: others[0] === "start" };
}

/** Says what the owner should know of a file with that call: secrets in it, and variables that are not. */
export function daemonWarnings(
  { words }: DaemonCall,
  environment: Environment,
): readonly string[] {
  const remembered = "tunnel-client login, or the config file, keeps it for you alone";
  const secrets = SECRETS.filter((name) =>
    words.some((word) => word === `--${name}` || word.startsWith(`--${name}=`))
  ).map((name) => `--${name} stands in this file, where others may read it: ${remembered}`);
  const variables = Object.keys(CLIENT_FLAGS).map((option) => variableOf(flagName(option)))
    .filter((variable) => (lookUp(environment, variable) ?? "") !== "")
    .map((variable) =>
      `${variable} is set here and will not be there: write it into the config file, or as a flag`
    );
  return [...secrets, ...variables];
}

function isPrinting(word: string): boolean {
  return PRINTING.some((name) => word === `--${name}` || word.startsWith(`--${name}=`));
}
