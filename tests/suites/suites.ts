import { autobahn } from "./autobahn.ts";
import { h2spec } from "./h2spec.ts";
import { litmus } from "./litmus.ts";
import { slowhttptest } from "./slowhttptest.ts";
import { MissingToolError, type SuiteReport } from "./tool.ts";
import { toxiproxy } from "./toxiproxy.ts";
import { varnishtest } from "./varnishtest.ts";

/** Every suite by the name of its tool. */
const SUITES: Readonly<Record<string, () => Promise<SuiteReport>>> = {
  autobahn,
  h2spec,
  slowhttptest,
  varnishtest,
  toxiproxy,
  litmus,
};

/** Runs the suites that are named, or all of them, and returns how many have found faults. */
async function main(names: readonly string[]): Promise<number> {
  let failed = 0;
  for (const name of names.length > 0 ? names : Object.keys(SUITES)) {
    const suite = SUITES[name];
    if (suite === undefined) {
      console.error(`no suite is called ${name}: there are ${Object.keys(SUITES).join(", ")}`);
      return 2;
    }
    console.log(`\n== ${name}`);
    try {
      const { lines, faults } = await suite();
      for (const line of lines) console.log(line);
      for (const fault of faults) console.log(`FAULT: ${fault}`);
      if (faults.length > 0) failed++;
    } catch (error) {
      if (!(error instanceof MissingToolError)) throw error;
      console.log(`not run: ${error.message}`);
    }
  }
  return failed > 0 ? 1 : 0;
}

Deno.exit(await main(Deno.args));
