import type { Environment } from "../../cli/command_line.ts";
import { printedTable } from "../../cli/doctor/finding_table.ts";
import { examine } from "./doctor.ts";
import { parseDoctorOptions } from "./doctor_options.ts";

/**
 * Runs `tunnel-server doctor` with the words behind that and returns the exit status: 1 when something needs a hand.
 *
 * @throws {UsageError} for a wrong call.
 */
export async function runDoctor(
  args: readonly string[],
  environment: Environment,
  { name, version }: { readonly name: string; readonly version: string },
): Promise<number> {
  const command = parseDoctorOptions(args, environment, { name });
  if (command.kind === "help") console.log(command.text);
  if (command.kind === "version") console.log(version);
  if (command.kind !== "run") return 0;
  const { server, json } = command.options;
  const table = printedTable({ json });
  table.head(server.publicUrl ?? server.domain);
  for await (const finding of examine(server)) table.add(finding);
  return table.end() ? 0 : 1;
}
