import { type Environment, parseCommandLine, type ParsedCommand } from "../../cli/command_line.ts";
import { switchFlag } from "../../cli/flags.ts";
import { SERVER_FLAGS } from "../flags/server_flags.ts";
import { parseServerOptions, type ServerOptions } from "../options.ts";

/** The flags of `tunnel-server doctor`: those that the server is started with, and its own. */
const DOCTOR_FLAGS = {
  /** Write JSON in place of a table. */
  json: switchFlag({
    group: "The doctor",
    help: "write one object of JSON in place of the table",
  }),
  ...SERVER_FLAGS,
};

export interface DoctorOptions {
  readonly server: ServerOptions;
  readonly json: boolean;
}

/**
 * Reads what stands behind `doctor` on the command line; `name` is what the help calls the program.
 *
 * @throws {UsageError} at the first thing that is wrong.
 */
export function parseDoctorOptions(
  args: readonly string[],
  environment: Environment,
  { name }: { readonly name: string },
): ParsedCommand<DoctorOptions> {
  const line = parseCommandLine(
    {
      name: `${name} doctor`,
      summary: "Checks what a server needs before it is started with the same flags.",
      usage: "[flags]",
      flags: DOCTOR_FLAGS,
      maxPositionals: 0,
    },
    args,
    environment,
  );
  if (line.kind !== "run") return line;
  const own = args.filter((word) => !/^--json(?:=|$)/.test(word));
  const command = parseServerOptions(own, environment, { name });
  if (command.kind !== "run") return command;
  return { kind: "run", options: { server: command.options, json: line.values.json } };
}
