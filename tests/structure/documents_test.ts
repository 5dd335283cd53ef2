import { assert, assertEquals } from "@std/assert";
import { integerFlag, switchFlag, textFlag } from "../../lib/cli/flags.ts";
import { boundsOf, boundTables } from "./bounds.ts";
import { GENERATED_BLOCKS, GENERATED_FILES, readBlock } from "./documents.ts";
import { flagTables } from "./flag_tables.ts";
import { readSource, readSourceGraph } from "./source_graph.ts";

const ROOT = new URL("../../", import.meta.url);

/** The documents in which every path that stands in backquotes leads to a file or a folder. */
const DOCUMENTS = [
  "README.md",
  ".github/BENCHMARKS.md",
  ".github/FLAGS.md",
  ".github/GUIDE.md",
  ".github/HTTP.md",
  ".github/ARCHITECTURE.md",
  ".github/CONFIG.md",
  ".github/CONTRIBUTING.md",
  ".github/DECISIONS.md",
  ".github/INSPECTOR.md",
  ".github/LIBRARY.md",
  ".github/OPERATIONS.md",
  ".github/SECURITY.md",
] as const;

/** Lines of ARCHITECTURE.md without the arrows between the folders: it is an overview. */
const MAX_LINES = 165;

for (const block of GENERATED_BLOCKS) {
  Deno.test(`${block.document} has the present ${block.name}: \`deno task documents\` writes them`, async () => {
    assertEquals(await readBlock(block), await block.make());
  });
}

for (const { path, make } of GENERATED_FILES) {
  Deno.test(`${path} is the present one: \`deno task documents\` writes it`, async () => {
    assertEquals(await readSource(path), make());
  });
}

for (const document of DOCUMENTS) {
  Deno.test(`${document} names files and folders that are there`, async () => {
    const sources = [...(await readSourceGraph()).keys()];
    const missing: string[] = [];
    for (const path of pathsIn(await readSource(document))) {
      const isShort = sources.some((source) => source.endsWith(`/${path}`));
      if (!isShort && !await isThere(new URL(path, ROOT))) missing.push(path);
    }
    assertEquals(missing, []);
  });

  Deno.test(`${document} links to files that are there`, async () => {
    const links = [...(await readSource(document)).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)];
    const missing: string[] = [];
    for (const [, link = ""] of links) {
      if (!await isThere(new URL(link, new URL(document, ROOT)))) missing.push(link);
    }
    assertEquals(missing, []);
  });
}

Deno.test("Every document links to headings that are there", async () => {
  const missing: string[] = [];
  for (const document of await documents()) {
    for (const [, path = "", anchor = ""] of (await readSource(document)).matchAll(ANCHORED)) {
      const target = await Deno.readTextFile(new URL(path, new URL(document, ROOT)));
      if (!anchorsIn(target).has(anchor)) {
        missing.push(`${document}: ${path}#${anchor}`);
      }
    }
  }
  assertEquals(missing, []);
});

/** A link to a heading of a document of ours. */
const ANCHORED = /\]\(([^)#:\s]*)#([^)\s]+)\)/g;

async function documents(): Promise<string[]> {
  const found = ["README.md", "CHANGELOG.md", "lib/wire/PROTOCOL.md"];
  for (const folder of [".github/", ".github/deploy/"]) {
    for await (const { name } of Deno.readDir(new URL(folder, ROOT))) {
      if (name.endsWith(".md")) found.push(folder + name);
    }
  }
  return found;
}

/** Returns what leads to the headings of a document, as GitHub makes it. */
function anchorsIn(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading.toLowerCase().replaceAll(/[^\p{L}\p{N}_\- ]/gu, "").replaceAll(" ", "-")
    ),
  );
}

Deno.test("The guide's container listens where its proxies lead to", async () => {
  const guide = await readSource(".github/deploy/README.md");
  const published = [...guide.matchAll(/--publish 127\.0\.0\.1:(\d+):\1 /g)];
  for (const proxy of ["nginx.conf", "Caddyfile"]) {
    const upstreams = (await readSource(`.github/deploy/${proxy}`)).matchAll(
      / 127\.0\.0\.1:(\d+)/g,
    );
    assertEquals(portsOf(upstreams), portsOf(published), proxy);
  }
});

Deno.test("The manifest for Kubernetes leads clients to the port that they register for", async () => {
  const manifest = await readSource(".github/deploy/kubernetes.yaml");
  const registered = manifest.matchAll(/TUNNEL_CLIENT_PORT, value: "(\d+)"/g);
  const outside = manifest.matchAll(/name: clients, port: (\d+),/g);
  const told = manifest.matchAll(/ https:\/\/tunnel\.example\.com:(\d+)/g);
  const [port] = portsOf(registered);
  assertEquals([portsOf(outside), portsOf(told)], [[port], [port]]);
});

/** Returns the ports that were found, each once. */
function portsOf(found: Iterable<RegExpMatchArray>): string[] {
  return [...new Set([...found].map(([, port = ""]) => port))].sort();
}

Deno.test("ARCHITECTURE.md names classes and types that are there", async () => {
  const files = [...(await readSourceGraph()).keys()];
  const code = (await Promise.all(files.map(readSource))).join("\n");
  const declared = new Set([...code.matchAll(DECLARATION)].map(([, name = ""]) => name));
  const names = spansIn(await readSource(".github/ARCHITECTURE.md")).filter((span) =>
    /^[A-Z][a-zA-Z]+$/.test(span) && !OTHERS.has(span)
  );
  assertEquals(names.filter((name) => !declared.has(name)), []);
});

const DECLARATION = /^export (?:class|interface|type) (\w+)/gm;

/** Names of Deno's own, of a field and of a state of a session. */
const OTHERS: ReadonlySet<string> = new Set(["Request", "Response", "Forwarded", "GOAWAY"]);

Deno.test("ARCHITECTURE.md can be read in one sitting", async () => {
  const lines = (await readSource(".github/ARCHITECTURE.md")).split("\n");
  const arrows = lines.filter((line) => / --> lib_/.test(line));
  assert(lines.length - arrows.length <= MAX_LINES, `${lines.length} lines`);
});

Deno.test("flagTables shows flags in the groups of the help, with variables and defaults", () => {
  const tables = flagTables({
    maxHead: integerFlag({
      group: "Limits",
      help: "of what <a>|--max-b takes",
      default: 5,
      least: 1,
      most: 9,
      extraVariables: ["HEAD"],
    }),
    once: switchFlag({ group: "Running", help: "stop soon" }),
    name: textFlag({ group: "Running", help: "what it is called", default: null }),
  });
  assertEquals(tables.split("\n").map((line) => line.replaceAll(/ +/g, " ")), [
    "**Limits**",
    "",
    "| flag | environment | default | meaning |",
    "| --------------------- | ------------------------------ | ------- | ---------------------------- |",
    "| `--max-head <number>` | `TUNNEL_MAX_HEAD`, then `HEAD` | 5 | of what `<a>\\|--max-b` takes |",
    "",
    "**Running**",
    "",
    "| flag | environment | default | meaning |",
    "| --------------- | ------------- | ------- | ----------------- |",
    "| `--once` | `TUNNEL_ONCE` | off | stop soon |",
    "| `--name <text>` | `TUNNEL_NAME` | none | what it is called |",
  ]);
});

Deno.test("boundsOf finds numbers with a comment, and computes those made of others", () => {
  const source = [
    "/** Bytes of a page. */",
    "const PAGE = 4 * KIB;",
    "/**",
    " * Milliseconds",
    " * of a wait.",
    " */",
    "export const WAIT = 60_000 + 500;",
    "/** A word. */",
    'const WORD = "1";',
    "const KIB = 1024;",
    "",
  ].join("\n");
  const bounds = boundsOf([["lib/a/b.ts", source], ["lib/c.ts", "const KIB = 1000;\n"]]);
  assertEquals(bounds, [
    { file: "lib/a/b.ts", name: "PAGE", value: 4096, meaning: "Bytes of a page." },
    { file: "lib/a/b.ts", name: "WAIT", value: 60_500, meaning: "Milliseconds of a wait." },
  ]);
  assertEquals(boundTables(bounds).split("\n").slice(4), [
    "| 4 KiB     | Bytes of a page. | `PAGE`   | `b.ts` |",
    "| 60,500 ms | Time of a wait.  | `WAIT`   | `b.ts` |",
  ]);
});

/** Returns what stands in backquotes and is a path from the root, or the end of one of a source. */
function pathsIn(text: string): string[] {
  return spansIn(text).filter((span) => PATH.test(span));
}

/** Returns what stands in backquotes outside of blocks of code, each once. */
function spansIn(text: string): string[] {
  const prose = text.replaceAll(/^ *```[^]*?^ *```$/gm, "");
  return [...new Set([...prose.matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span))];
}

const PATH = /^(?:(?:lib|tests|\.github|\.ci)\/[\w./-]*|[\w./-]+\.ts)$/;

async function isThere(path: URL): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return false;
  }
}
