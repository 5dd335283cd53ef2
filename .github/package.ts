import ts from "typescript";
import config from "../deno.json" with { type: "json" };
import { ProgramError, runProgram } from "../lib/cli/program.ts";

const ROOT = new URL("../", import.meta.url);
const OUTPUT = new URL("dist/npm/", ROOT);

/** The library's entry, from the root. */
const ENTRY = "lib/mod.ts";

/** Makes the package for npm: one module, its types, and what says whose it is. */
async function main(): Promise<number> {
  await Deno.remove(OUTPUT, { recursive: true }).catch(() => {});
  await Deno.mkdir(OUTPUT, { recursive: true });
  await bundle();
  await declare();
  await write("package.json", JSON.stringify(manifest(), null, 2));
  await Deno.copyFile(new URL("LICENSE", ROOT), new URL("LICENSE", OUTPUT));
  for (const file of ["README.md", "older_node.js"]) {
    await Deno.copyFile(new URL(`.github/npm/${file}`, ROOT), new URL(file, OUTPUT));
  }
  return 0;
}

async function bundle(): Promise<void> {
  const module = new URL("mod.js", OUTPUT);
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--frozen", "--output", module.pathname, ENTRY],
    cwd: ROOT,
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (!success) throw new ProgramError("the library could not be bundled");
  await write("mod.js", `import "./older_node.js";\n${await Deno.readTextFile(module)}`);
}

/** Writes the declarations of the entry and of what it names, each file from itself alone: all exported types are written out. */
async function declare(): Promise<void> {
  const left = [ENTRY];
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
    exports: { ".": { types: "./types/lib/mod.d.ts", default: "./mod.js" } },
    engines: { node: ">=20" },
    sideEffects: ["./older_node.js"],
  };
}

async function write(name: string, text: string): Promise<void> {
  const file = new URL(name, OUTPUT);
  await Deno.mkdir(new URL(".", file), { recursive: true });
  await Deno.writeTextFile(file, `${text.trimEnd()}\n`);
}

await runProgram(main);
