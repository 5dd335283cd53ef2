import config from "../../deno.json" with { type: "json" };
import { parseCommandLine } from "../../lib/cli/command_line.ts";
import type { Flags } from "../../lib/cli/flags.ts";
import { programName, runProgram } from "../../lib/cli/program.ts";

export interface Tool<Values> {
  /** What it does, in a sentence. */
  readonly summary: string;
  readonly flags: Flags<Values>;
}

/** Runs a program that is part of the development of this one, with flags, help and version as both programs have them. */
export async function runTool<Values>(
  { summary, flags }: Tool<Values>,
  run: (values: Values) => Promise<number>,
): Promise<never> {
  return await runProgram(async () => {
    const command = parseCommandLine(
      { name: programName(), summary, usage: "[flags]", flags, maxPositionals: 0 },
      Deno.args,
      (variable) => Deno.env.get(variable),
    );
    if (command.kind === "help") console.log(command.text);
    if (command.kind === "version") console.log(config.version);
    return command.kind === "run" ? await run(command.values) : 0;
  });
}
