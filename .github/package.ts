import ts from "typescript";
import config from "../deno.json" with { type: "json" };
import { ProgramError, runProgram } from "../lib/cli/program.ts";

const ROOT = new URL("../", import.meta.url);
const OUTPUT = new URL("dist/npm/", ROOT);

/** What the package exports, and the module that each is made of, from the root. */
const EXPORTS: readonly (readonly [name: string, entry: string])[] = [
  [".", "lib/mod.ts"],
  ["./vite", "lib/vite.ts"],
];

/** What its program is made of. */
const PROGRAM = "client.ts";

/** The program and what stands beside the bundle, as they are. */
const FILES = ["README.md", "older_node.js", "tunnel-client.js"] as const;

/** Makes the package for npm: modules, their types, a program, and what says whose it is. */
async function main(): Promise<number> {
  await Deno.remove(OUTPUT, { recursive: true }).catch(() => {});
  await Deno.mkdir(OUTPUT, { recursive: true });
  await bundle();
  await declare();
  await write("package.json", JSON.stringify(manifest(), null, 2));
  await Deno.copyFile(new URL("LICENSE", ROOT), new URL("LICENSE", OUTPUT));
  for (const file of FILES) {
    await Deno.copyFile(new URL(`.github/npm/${file}`, ROOT), new URL(file, OUTPUT));
  }
  return 0;
}

/** Bundles all entries at once, so that what two of them need is there once, and puts what older Nodes lack in front. */
async function bundle(): Promise<void> {
  const entries = EXPORTS.map(([, entry]) => entry);
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["bundle", "--quiet", "--frozen", "--code-splitting"],
      ...["--outdir", new URL("js", OUTPUT).pathname, ...entries, PROGRAM],
    ],
    cwd: ROOT,
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (!success) throw new ProgramError("the library could not be bundled");
  await rewriteUsing(new URL("js/", OUTPUT));
  for (const entry of entries) {
    const module = `./js/${entry.replace(/\.ts$/, ".js")}`;
    await write(moduleOf(entry), `import "./older_node.js";\nexport * from "${module}";`);
  }
}

/** Writes `using` in words that Node 20 and 22 have as well. */
async function rewriteUsing(folder: URL): Promise<void> {
  const compilerOptions = {
    allowJs: true,
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2022,
  };
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) {
      await rewriteUsing(new URL(`${name}/`, folder));
      continue;
    }
    const file = new URL(name, folder);
    const source = await Deno.readTextFile(file);
    const { outputText } = ts.transpileModule(source, { fileName: name, compilerOptions });
    await Deno.writeTextFile(file, outputText);
  }
}

/** Names the module that an entry becomes. */
function moduleOf(entry: string): string {
  return `${entry.slice(entry.lastIndexOf("/") + 1, -".ts".length)}.js`;
}

/** Writes the declarations of the entries and of what they name, each file from itself alone: all exported types are written out. */
async function declare(): Promise<void> {
  const left = EXPORTS.map(([, entry]) => entry);
  const seen = new Set(left);
  for (let file = left.pop(); file !== undefined; file = left.pop()) {
    const source = await Deno.readTextFile(new URL(file, ROOT));
    const { outputText } = ts.transpileDeclaration(source, {
      fileName: file,
      compilerOptions: { stripInternal: true, target: ts.ScriptTarget.ESNext },
    });
    const declaration = outputText.replaceAll(RELATIVE, (_all, before, path, after) => {
      const imported = new URL(path, new URL(file ?? "", "file:///")).pathname.slice(1);
      if (!seen.has(imported)) left.push(imported);
      seen.add(imported);
      return `${before}${path.replace(/\.ts$/, ".js")}${after}`;
    });
    await write(`types/${file.replace(/\.ts$/, ".d.ts")}`, declaration);
  }
}

const RELATIVE = /(\bfrom "|\bimport\(")(\.[^"]+\.ts)(")/g;

function manifest(): object {
  const { name, version, license } = config;
  return {
    ...{ name, version, license, type: "module" },
    description: "Publishes HTTP handlers and local services through a tunnel server of your own",
    exports: Object.fromEntries(EXPORTS.map(([exported, entry]) => [exported, {
      types: `./types/${entry.replace(/\.ts$/, ".d.ts")}`,
      default: `./${moduleOf(entry)}`,
    }])),
    bin: { "tunnel-client": "./tunnel-client.js" },
    engines: { node: ">=20" },
    peerDependencies: { vite: ">=5" },
    peerDependenciesMeta: { vite: { optional: true } },
    sideEffects: ["./older_node.js"],
  };
}

async function write(name: string, text: string): Promise<void> {
  const file = new URL(name, OUTPUT);
  await Deno.mkdir(new URL(".", file), { recursive: true });
  await Deno.writeTextFile(file, `${text.trimEnd()}\n`);
}

await runProgram(main);
