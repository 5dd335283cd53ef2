import { homedir } from "node:os";
import { cwd } from "node:process";
import type { Environment } from "../../cli/command_line.ts";
import { printLine } from "../../cli/program.ts";
import { SYSTEM_RUNTIME } from "../../cli/system_runtime.ts";
import { daemonCall, daemonWarnings } from "./daemon_call.ts";
import { launchdPlist } from "./launchd_plist.ts";
import { systemdUnit } from "./systemd_unit.ts";

/** Prints the file by which the system makes the present call at each start; returns the exit status. */
export function printDaemon(kind: "unit" | "launchd", environment: Environment): number {
  const { args } = SYSTEM_RUNTIME;
  const call = daemonCall(SYSTEM_RUNTIME.startWords(), args, cwd());
  const text = kind === "unit" ? systemdUnit(call) : launchdPlist(call, homedir());
  console.log(text.trimEnd());
  for (const warning of daemonWarnings(call, environment)) printLine(`warning: ${warning}`);
  return 0;
}
