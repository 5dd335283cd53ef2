import type { Flag } from "./flags.ts";
import { wrap } from "./wrap.ts";

export interface DescribedCommand {
  readonly name: string;
  readonly summary: string;
  readonly usage: string;
}

/** Writes what `--help` shows: the flags under their headings, in two columns of at most 80 characters. */
export function helpText(
  { name, summary, usage }: DescribedCommand,
  flags: ReadonlyMap<string, Flag<unknown>>,
): string {
  const groups = new Map<string, string[]>();
  for (const [flagName, flag] of flags) {
    const note = flag.defaultText === "" ? "" : ` (default: ${flag.defaultText})`;
    const left = `--${flagName}${flag.placeholder === "" ? "" : ` ${flag.placeholder}`}`;
    const lines = groups.get(flag.group) ?? [];
    lines.push(...columns(left, flag.help + note));
    groups.set(flag.group, lines);
  }
  const sections = [...groups].map(([group, lines]) => `${group}:\n${lines.join("\n")}\n`);
  const own = [...columns("-h, --help", "show this"), ...columns("--version", "show the version")];
  return [
    `${wrap(summary, WIDTH).join("\n")}\n`,
    `Usage: ${name} ${usage}\n`,
    ...sections,
    `Other:\n${own.join("\n")}\n`,
    `${wrap(ENVIRONMENT, WIDTH).join("\n")}\n`,
  ].join("\n");
}

/** Characters: the usual width of a terminal. */
const WIDTH = 80;

/** Where the second column begins: room for all but the longest flags, which get a line of their own. */
const SECOND_COLUMN = 26;

const ENVIRONMENT =
  "Each flag has an environment variable, TUNNEL_ and its name in capitals (--log-level: " +
  "TUNNEL_LOG_LEVEL); a flag wins over it.";

function columns(left: string, right: string): string[] {
  const texts = wrap(right, WIDTH - SECOND_COLUMN);
  const first = `  ${left}`;
  const isLong = first.length > SECOND_COLUMN - 2;
  const lines = isLong ? [first] : [first.padEnd(SECOND_COLUMN) + (texts.shift() ?? "")];
  return [...lines, ...texts.map((text) => " ".repeat(SECOND_COLUMN) + text)];
}
