import config from "../../deno.json" with { type: "json" };
import { type FlagValues, integerFlag, listFlag, sizeFlag } from "../../lib/cli/flags.ts";
import { generatorName } from "./load.ts";
import { OriginProcess } from "./origin_process.ts";
import { machine } from "./machine.ts";
import type { Axis } from "./scale/axis.ts";
import { connections } from "./scale/connections.ts";
import { sizes } from "./scale/sizes.ts";
import { tunnels } from "./scale/tunnels.ts";
import { visitors } from "./scale/visitors.ts";
import { SECONDS } from "./settings.ts";
import { runTool } from "../testing/tool.ts";

const AXES: ReadonlyMap<string, Axis> = new Map([
  ["visitors", visitors],
  ["tunnels", tunnels],
  ["sizes", sizes],
  ["connections", connections],
]);

const NAMES = [...AXES.keys()].join(", ");

const FLAGS = {
  axis: listFlag("<name>", parseAxis, {
    group: "What grows",
    help: `${NAMES}; may be repeated`,
    default: [...AXES.values()],
    defaultText: "all of them",
  }),
  seconds: SECONDS,
  maxTunnels: integerFlag({
    group: "Bounds",
    help: "tunnels at most; each needs a file descriptor on both sides",
    default: 10_000,
    least: 0,
    most: 100_000,
  }),
  maxSize: sizeFlag({
    group: "Bounds",
    help: "the longest body",
    default: 1e9,
    defaultText: "1gb",
    least: 1000,
    most: 1e9,
  }),
};

type Values = FlagValues<typeof FLAGS>;

/** Measures how the tunnel behaves as one thing grows, and prints a table for each. */
async function main(values: Values): Promise<number> {
  const bounds = {
    seconds: values.seconds,
    tunnels: values.maxTunnels,
    size: values.maxSize,
  };
  const date = new Date().toISOString().slice(0, 10);
  console.log(
    `${date}, ${await machine()}, tunnel ${config.version}, Deno ${Deno.version.deno}, ` +
      `load by ${await generatorName()}, ${bounds.seconds} s each.`,
  );
  for (const { title, walk } of new Set(values.axis)) {
    await using origin = await OriginProcess.start();
    const table = await walk(origin, bounds);
    console.log(`\n${title}\n\n${table}`);
  }
  return 0;
}

function parseAxis(text: string): Axis {
  const axis = AXES.get(text);
  if (axis === undefined) throw new RangeError(`must be one of ${NAMES}`);
  return axis;
}

await runTool({
  summary: "Measures speed, CPU and memory as visitors, tunnels, bodies or connections grow.",
  flags: FLAGS,
}, main);
