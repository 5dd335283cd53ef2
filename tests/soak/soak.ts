import { messageOf } from "../../lib/cli/safe_text.ts";
import { type FlagValues, integerFlag, textFlag } from "../../lib/cli/flags.ts";
import { printLine } from "../../lib/cli/program.ts";
import { clock } from "./clock.ts";
import { crashes } from "./crashes.ts";
import { endurance } from "./endurance.ts";
import { PRESSED_INTO } from "./hour.ts";
import type { Family, Fault, Outcome, SoakContext } from "./fault.ts";
import { MarkedLoad } from "./marked_load.ts";
import { nodes } from "./nodes.ts";
import { oddities } from "./oddities.ts";
import { shortage } from "./shortage.ts";
import { silence } from "./silence.ts";
import { slowness } from "./slowness.ts";
import { strangers } from "./strangers.ts";
import { runTool } from "../testing/tool.ts";

const FAMILIES: readonly Family[] = [
  crashes,
  nodes,
  silence,
  clock,
  slowness,
  shortage,
  strangers,
  oddities,
  endurance,
];

const FLAGS = {
  only: textFlag({
    group: "What is tried",
    help: "the faults with these ids, with commas between, such as F11,F19",
    placeholder: "<ids>",
    default: null,
    defaultText: "all",
  }),
  minutes: integerFlag({
    group: "How much",
    help: "how long an hour's traffic goes on, ten for all of it; all else takes some twelve",
    default: PRESSED_INTO,
    least: 1,
    most: 1_440,
  }),
  rate: integerFlag({
    group: "How much",
    help: "requests a second of each load",
    default: 50,
    least: 1,
    most: 10_000,
  }),
};

type Values = FlagValues<typeof FLAGS>;

/** Does to a tunnel whatever can happen to it, prints a table, and returns 1 when something did not hold. */
async function main(values: Values): Promise<number> {
  const { only, minutes, rate } = values;
  const wanted = only?.toUpperCase().split(",") ?? null;
  const loads: MarkedLoad[] = [];
  const context: SoakContext = {
    rate,
    minutes,
    load(options) {
      const load = new MarkedLoad({ rate, ...options });
      loads.push(load);
      return load;
    },
  };
  const rows: (readonly string[])[] = [];
  let missed = 0;
  for (const { faults, atOnce } of FAMILIES) {
    const chosen = faults.filter(({ id }) =>
      wanted === null || wanted.some((w) => id.toUpperCase().startsWith(w))
    );
    for (const group of atOnce ? [chosen] : chosen.map((fault) => [fault])) {
      const outcomes = await Promise.all(group.map((fault) => attempt(fault, context)));
      for (const [i, { id, name, how, target }] of group.entries()) {
        const { measured, result } = outcomes[i] ?? { measured: "", result: "MISSED" };
        rows.push([id, name, how, measured, target, result]);
        if (result === "MISSED") missed++;
      }
    }
  }
  const bad = loads.reduce((sum, { visits, damaged }) => sum + visits.violations + damaged, 0);
  const all = loads.reduce((sum, { visits }) => sum + visits.count + visits.dropped, 0);
  if (bad > 0) missed++;
  const invariant = `${bad} of ${all} answers wrong, another's, or cut unseen`;
  const never = "0 under every fault";
  rows.push(["all", "what must never be", "an id and a SHA-256 in each request", invariant, never]);
  rows.sort(([a = ""], [b = ""]) => a < b ? -1 : 1);
  console.log(
    `\n${
      tableOf(rows.map((row) => row.length === 6 ? row : [...row, bad > 0 ? "MISSED" : "held"]))
    }`,
  );
  return missed > 0 ? 1 : 0;
}

/** Tries one fault; one that breaks down is one that did not hold. */
async function attempt(fault: Fault, context: SoakContext): Promise<Outcome> {
  const began = performance.now();
  let outcome: Outcome;
  try {
    outcome = await fault.run(context);
  } catch (error) {
    outcome = { measured: `broke down: ${messageOf(error)}`, result: "MISSED" };
  }
  const took = Math.round((performance.now() - began) / 1000);
  printLine(`${fault.id} ${fault.name}: ${outcome.measured}: ${outcome.result} (${took} s)`);
  return outcome;
}

function tableOf(rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(HEADING), line(HEADING.map(() => "-")), ...rows.map(line)].join("\n");
}

const HEADING = ["id", "fault", "how", "measured", "target", "result"];

await runTool({
  summary: "Kills, stops, starves and floods a tunnel, and says what its visitors see of it.",
  flags: FLAGS,
}, main);
