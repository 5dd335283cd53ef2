import { variableOf } from "../../lib/cli/command_line.ts";
import { type Flag, flagName } from "../../lib/cli/flags.ts";
import { escaped, markdownTable, tableText } from "./markdown_table.ts";

/** Any table of flags, whatever its options are. */
type AnyFlags = Readonly<Record<string, Flag<unknown>>>;

const TITLES = ["flag", "environment", "default", "meaning"];

/** Writes the flags of a program as the help groups them, or those of some groups: a table under the name of each. */
export function flagTables(flags: AnyFlags, only: readonly string[] | null = null): string {
  const groups = new Map<string, string[][]>();
  for (const [option, flag] of Object.entries(flags)) {
    if (only !== null && !only.includes(flag.group)) continue;
    const rows = groups.get(flag.group) ?? [];
    rows.push(rowOf(option, flag));
    groups.set(flag.group, rows);
  }
  return [...groups].map(([group, rows]) => `**${group}**\n\n${markdownTable(TITLES, rows)}`)
    .join("\n\n");
}

function rowOf(option: string, flag: Flag<unknown>): string[] {
  const name = flagName(option);
  const variables = [variableOf(name), ...flag.extraVariables].map((variable) => `\`${variable}\``);
  const shown = flag.placeholder === "" ? name : `${name} ${flag.placeholder}`;
  return [
    `\`--${escaped(shown)}\``,
    variables.join(", then "),
    defaultOf(flag),
    tableText(flag.help),
  ];
}

function defaultOf(flag: Flag<unknown>): string {
  if (flag.kind === "switch") return "off";
  return flag.defaultText === "" ? "none" : tableText(flag.defaultText);
}
