import { printedTable } from "../../cli/doctor/finding_table.ts";
import { SILENCE } from "../../cli/doctor/silence_check.ts";
import type { Environment } from "../../cli/command_line.ts";
import { keepOnly } from "../../cli/permissions.ts";
import { readAuthorities } from "../authority_file.ts";
import { requireKeyFile } from "../key_file.ts";
import { findConfig } from "../config/find_config.ts";
import { examine } from "./doctor.ts";
import { doctorCommand, parseDoctorOptions } from "./doctor_options.ts";

/**
 * Runs `tunnel-client doctor` with the words behind that and returns the exit status: 1 when something needs a hand.
 *
 * @throws {UsageError | ProgramError} for what keeps it from looking.
 */
export async function runDoctor(
  args: readonly string[],
  environment: Environment,
  { name, version }: { readonly name: string; readonly version: string },
): Promise<number> {
  const { config } = await findConfig(doctorCommand(name), args, environment);
  const command = parseDoctorOptions(args, environment, { name, config });
  if (command.kind === "help") console.log(command.text);
  if (command.kind === "version") console.log(version);
  if (command.kind !== "run") return 0;
  const { servers, proxies, keyFile, serverCa, token, size, long, json } = command.options;
  const authorities = serverCa === null ? [] : await readAuthorities(serverCa);
  const { key } = await requireKeyFile(keyFile);
  keepOnly("net");
  let isWell = true;
  for (const server of servers) {
    const table = printedTable({ json });
    table.head(server);
    const findings = examine({
      ...{ server, authorities, token, key, size },
      proxy: proxies.get(server) ?? null,
      silence: long ? SILENCE : null,
    });
    for await (const finding of findings) table.add(finding);
    isWell = table.end() && isWell;
  }
  return isWell ? 0 : 1;
}
