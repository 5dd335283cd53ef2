import { CLIENT_FLAGS } from "../../lib/client/flags.ts";
import {
  DOCTOR_FLAGS as CLIENT_DOCTOR_FLAGS,
  EXAMINATION,
} from "../../lib/client/doctor/doctor_flags.ts";
import { START_OWN_FLAGS } from "../../lib/client/start_options.ts";
import { SERVER_FLAGS } from "../../lib/server/flags/server_flags.ts";
import config from "../../deno.json" with { type: "json" };
import { boundTables, readBounds } from "./bounds.ts";
import { configSchema } from "./config_schema.ts";
import { flagTables } from "./flag_tables.ts";
import { markdownTable, tableText } from "./markdown_table.ts";
import { metricTable } from "./metric_table.ts";

/** A part of a document that is made from the code. */
interface GeneratedBlock {
  /** Its path from the repository's root. */
  readonly document: string;
  /** What stands in the comment before it. */
  readonly name: string;
  readonly make: () => string | Promise<string>;
}

/** Every such part. */
export const GENERATED_BLOCKS: readonly GeneratedBlock[] = [
  {
    document: ".github/FLAGS.md",
    name: "flags of the server",
    make: () => flagTables(SERVER_FLAGS),
  },
  {
    document: ".github/FLAGS.md",
    name: "flags of the client",
    make: () => flagTables(CLIENT_FLAGS),
  },
  {
    document: ".github/FLAGS.md",
    name: "flags of start",
    make: () => flagTables(START_OWN_FLAGS),
  },
  {
    document: ".github/FLAGS.md",
    name: "flags of the client's doctor",
    make: () => flagTables(CLIENT_DOCTOR_FLAGS, [EXAMINATION]),
  },
  {
    document: ".github/OPERATIONS.md",
    name: "limits",
    make: () => flagTables(SERVER_FLAGS, ["Limits"]),
  },
  { document: ".github/OPERATIONS.md", name: "metrics", make: metricTable },
  { document: ".github/CONTRIBUTING.md", name: "tasks", make: taskTable },
  {
    document: ".github/BOUNDS.md",
    name: "bounds",
    make: async () => boundTables(await readBounds()),
  },
];

/** A file that is made from the code. */
interface GeneratedFile {
  readonly path: string;
  readonly make: () => string;
}

/** Every such file. */
export const GENERATED_FILES: readonly GeneratedFile[] = [
  { path: ".github/config.schema.json", make: configSchema },
];

/** Writes what `deno task` lists. */
function taskTable(): string {
  const rows = Object.entries(config.tasks)
    .map(([name, { description }]) => [`\`deno task ${name}\``, tableText(description)]);
  return markdownTable(["command", "what it does"], rows);
}

/** Returns a block as the document has it now. @throws {Error} when the document has no such block. */
export async function readBlock({ document, name }: GeneratedBlock): Promise<string> {
  const text = await Deno.readTextFile(pathOf(document));
  const [begin, end] = marksOf(name);
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from === -1 || to === -1) throw new Error(`${document} has no block for the ${name}`);
  return text.slice(from + begin.length, to);
}

async function writeBlock(block: GeneratedBlock): Promise<void> {
  const path = pathOf(block.document);
  const [begin, end] = marksOf(block.name);
  const old = await readBlock(block);
  const made = await block.make();
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.replace(begin + old + end, () => begin + made + end));
}

/** Returns what stands before and behind a block. */
function marksOf(name: string): readonly [string, string] {
  return [`<!-- ${name}, written by: deno task documents -->\n\n`, `\n\n<!-- end -->`];
}

function pathOf(document: string): URL {
  return new URL(`../../${document}`, import.meta.url);
}

if (import.meta.main) {
  for (const block of GENERATED_BLOCKS) await writeBlock(block);
  for (const { path, make } of GENERATED_FILES) await Deno.writeTextFile(pathOf(path), make());
}
