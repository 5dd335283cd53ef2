import { integerFlag, textFlag } from "../../lib/cli/flags.ts";
import { printLine } from "../../lib/cli/program.ts";
import { SeededRandom } from "../testing/seeded_random.ts";
import { runTool } from "../testing/tool.ts";
import { Checkout, trackedFiles } from "./checkout.ts";
import { type Mutation, mutationsOf } from "./mutations.ts";

const FLAGS = {
  count: integerFlag({
    group: "How much",
    help: "how many changes are tried; one takes from seconds to minutes",
    default: 20,
    least: 1,
    most: 10_000,
  }),
  seed: integerFlag({
    group: "How much",
    help: "which changes: the same seed and the same code make the same ones",
    default: null,
    defaultText: "another each time",
    least: 1,
    most: 0xffff_ffff,
  }),
  only: textFlag({
    group: "What is changed",
    help: "the files whose path has this in it, such as lib/mux",
    placeholder: "<text>",
    default: null,
    defaultText: "all",
  }),
};

/** Milliseconds for the tests of a folder, and for the stories: a change that makes one of them wait for ever is noticed, too. */
const TIME = 180_000;

/** Milliseconds for the types of one file. */
const CHECK_TIME = 60_000;

/** Which stories are told where a folder's own tests noticed nothing; by the beginning of a path, the first that fits. */
const STORIES: readonly (readonly [prefix: string, names: readonly string[]])[] = [
  ["lib/client/services/local_websocket", ["websocket", "websocket_handshake"]],
  ["lib/client/services", ["handler", "http", "http_body", "uploads", "streaming", "splitting"]],
  ["lib/client", ["staying_connected", "hostile_server", "command_line", "bad_calls"]],
  ["lib/server/access", ["admission", "visitor_policy", "limits", "names"]],
  ["lib/server/admin", ["admin", "metrics", "command_line"]],
  ["lib/server/bus", ["names", "nodes"]],
  ["lib/server/cluster", ["nodes", "node_renewal"]],
  ["lib/server/listen", ["http_body", "uploads", "limits", "restart", "certificate_renewal"]],
  ["lib/server/proxy", ["http", "http_body", "uploads", "forwarded", "smuggling", "websocket"]],
  ["lib/server/tls", ["tls", "certificate_renewal"]],
  ["lib/server/tunnels", ["sharing", "staying_connected", "hostile_client", "admission"]],
  ["lib/server", ["routing", "refusals", "http", "websocket_handshake", "bad_calls"]],
  ["lib/mux", ["backpressure", "floods", "streaming", "hostile_client", "staying_connected"]],
  ["lib/wire", ["hostile_client", "hostile_server", "http"]],
  ["lib/http", ["http", "http_body", "smuggling", "splitting"]],
  ["lib/websocket", ["websocket", "websocket_handshake"]],
  ["lib/cli", ["bad_calls", "command_line", "log_injection"]],
  ["lib/identity", ["admission", "hostile_client"]],
  ["lib/net", ["everyday", "visitor_policy"]],
];

interface Mutant extends Mutation {
  readonly file: string;
}

/** Tries random changes of one line, and returns 1 when the tests did not notice one of them. */
async function main(
  { count, seed, only }: {
    readonly count: number;
    readonly seed: number | null;
    readonly only: string | null;
  },
): Promise<number> {
  const random = new SeededRandom(seed ?? undefined);
  await using checkout = await Checkout.make();
  const mutants = await mutantsOf(checkout, only ?? "");
  if (mutants.length === 0) throw new Error(`there is nothing to change in ${only}`);
  const survivors: Mutant[] = [];
  for (let tried = 0; tried < count && mutants.length > 0;) {
    const [mutant] = mutants.splice(random.integer(0, mutants.length - 1), 1);
    if (mutant === undefined) break;
    const verdict = await checkout.with(mutant.file, mutant, () => judge(checkout, mutant.file));
    if (verdict === "no program") continue;
    tried++;
    printLine(`${tried}/${count} ${verdict}: ${described(mutant)}`);
    if (verdict === "survived") survivors.push(mutant);
  }
  printLine(`${survivors.length} survived (seed ${random.seed})`);
  for (const survivor of survivors) printLine(described(survivor));
  return survivors.length > 0 ? 1 : 0;
}

/** Returns every change that is known for the library's files. */
async function mutantsOf(checkout: Checkout, only: string): Promise<Mutant[]> {
  const files = (await trackedFiles()).filter((file) =>
    file.startsWith("lib/") && /(?<!\.d)\.ts$/.test(file) && file.includes(only)
  );
  const mutants: Mutant[] = [];
  for (const file of files.toSorted()) {
    for (const mutation of mutationsOf(await checkout.read(file))) {
      mutants.push({ file, ...mutation });
    }
  }
  return mutants;
}

/** Says who notices that a file was changed: the nearest tests first, the cheapest before all. */
async function judge(checkout: Checkout, file: string): Promise<string> {
  if (await checkout.deno(["check", "-q", file], CHECK_TIME) !== "passed") return "no program";
  for (const tests of [await ownTests(checkout, file), storiesOf(file)]) {
    if (tests.length === 0) continue;
    const args = ["test", "-q", "-A", "--no-check", "--fail-fast", ...tests];
    const ending = await checkout.deno(args, TIME);
    if (ending !== "passed") return `noticed by ${tests[0]} (${ending})`;
  }
  return "survived";
}

/** Returns the nearest folder of tests that mirrors the file's. */
async function ownTests(checkout: Checkout, file: string): Promise<string[]> {
  for (let folder = file.replace(/\/[^/]*$/, ""); folder !== "lib"; folder = parentOf(folder)) {
    const tests = folder.replace(/^lib/, "tests");
    if (await checkout.has(tests)) return [tests];
  }
  return [];
}

function parentOf(folder: string): string {
  return folder.slice(0, folder.lastIndexOf("/"));
}

function storiesOf(file: string): string[] {
  const [, names = []] = STORIES.find(([prefix]) => file.startsWith(prefix)) ?? [];
  return names.map((name) => `tests/e2e/${name}_test.ts`);
}

function described({ file, line, before, after }: Mutant): string {
  return `${file}:${line}: ${before.trim()}  =>  ${after.trim()}`;
}

await runTool({
  summary: "Changes single lines of the code, and says which changes no test notices.",
  flags: FLAGS,
}, main);
