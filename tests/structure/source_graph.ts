/** The files that each source file imports, types included; by path from the repository's root. */
export type SourceGraph = ReadonlyMap<string, readonly string[]>;

/** The layers from the lowest to the highest: a file imports from its own folder and from lower layers. */
const LAYERS: readonly (readonly string[])[] = [
  ["lib/net"],
  ["lib/http"],
  ["lib/wire"],
  ["lib/identity"],
  ["lib/mux"],
  ["lib/websocket"],
  ["lib/cli"],
  ["lib/client", "lib/server"],
  ["lib/mod.ts", "lib/vite.ts"],
  ["client.ts", "server.ts"],
];

/** What is in the names of each program's file and folder; neither program imports from the other. */
const PROGRAMS = ["server", "client"] as const;

/** Sources by their names; those of the inspector's page are TSX. */
const SOURCE = /\.tsx?$/;

const ROOT = new URL("../../", import.meta.url);

/** Reads the imports of the programs and of everything in `lib`. */
export async function readSourceGraph(): Promise<SourceGraph> {
  const files: string[] = PROGRAMS.map((program) => `${program}.ts`);
  for await (const file of sourceFiles("lib")) files.push(file);
  const graph = new Map<string, readonly string[]>();
  for (const file of files.sort()) {
    graph.set(file, importsOf(file, await readSource(file)).filter((path) => SOURCE.test(path)));
  }
  return graph;
}

export async function readSource(file: string): Promise<string> {
  return await Deno.readTextFile(new URL(file, ROOT));
}

/** Returns the lines of a source that are not comments. */
export function codeOf(source: string): string {
  return source.split("\n").filter((line) => !/^\s*(\/\/|\/?\*)/.test(line)).join("\n");
}

/** Returns the files of this repository that a source imports, each once and in order. */
export function importsOf(file: string, source: string): string[] {
  const base = new URL(file, "file:///");
  const paths = [...codeOf(source).matchAll(/\b(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)]
    .map(([, specifier = ""]) => new URL(specifier, base).pathname.slice(1));
  return [...new Set(paths)].sort();
}

/** Returns the circles: groups of files in which each file reaches every other over imports. */
export function circlesOf(graph: SourceGraph): string[][] {
  const reached = new Map([...graph.keys()].map((file) => [file, reachableFrom(file, graph)]));
  const circles = new Map<string, string[]>();
  for (const [file, others] of reached) {
    const circle = [...others].filter((other) => reached.get(other)?.has(file)).sort();
    if (circle.length > 0) circles.set(circle.join(), circle);
  }
  return [...circles.values()];
}

/** Returns the imports that point up in the layers, or from one program to the other. */
export function arrowsUp(graph: SourceGraph): string[] {
  const arrows: string[] = [];
  for (const [file, imports] of graph) {
    for (const imported of imports) {
      if (!mayImport(file, imported)) arrows.push(`${file} -> ${imported}`);
    }
  }
  return arrows;
}

/**
 * Draws the folders and what they import, as Mermaid text. An arrow is left out where others lead the
 * same way: a folder may import from every folder that its arrows reach.
 */
export function drawingOf(graph: SourceGraph): string {
  const folders = new Map<string, Set<string>>();
  for (const [file, imports] of graph) {
    const from = folderOf(file);
    const to = folders.get(from) ?? new Set();
    folders.set(from, to);
    for (const folder of imports.map(folderOf)) if (folder !== from) to.add(folder);
  }
  const lines: string[] = [];
  for (const [from, to] of [...folders].sort()) {
    for (const folder of [...to].sort()) {
      const others = [...to].filter((other) => other !== folder && other !== from);
      const isShort = others.some((other) => leadsTo(other, folder, folders, new Set([from])));
      if (!isShort) lines.push(`  ${nodeOf(from)} --> ${nodeOf(folder)}`);
    }
  }
  return ["flowchart TD", `  ${DRAWING_MARK}`, ...lines, ""].join("\n");
}

/** Tells in the document which of its drawings is made from the code. */
export const DRAWING_MARK = "%% written by: deno task structure";

async function* sourceFiles(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(new URL(`${folder}/`, ROOT))) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* sourceFiles(path);
    else if (SOURCE.test(name) && !name.endsWith(".d.ts")) yield path;
  }
}

function reachableFrom(file: string, graph: SourceGraph): Set<string> {
  const reached = new Set<string>();
  const left = [file];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    for (const imported of graph.get(next) ?? []) {
      if (reached.has(imported)) continue;
      reached.add(imported);
      left.push(imported);
    }
  }
  return reached;
}

function mayImport(file: string, imported: string): boolean {
  const [from, to] = [folderOf(file), folderOf(imported)];
  if (from === to) return true;
  const [program, other] = [programOf(from), programOf(to)];
  if (program !== undefined && other !== undefined && program !== other) return false;
  return rankOf(from) > rankOf(to);
}

/** Returns the folder of a layer; the programs' own files stand for themselves. */
function folderOf(file: string): string {
  return file.split("/").slice(0, 2).join("/");
}

function programOf(folder: string): string | undefined {
  return PROGRAMS.find((program) => folder.includes(program));
}

/** Returns how high a folder lies. @throws {Error} for a folder that has no place among the layers yet. */
function rankOf(folder: string): number {
  const rank = LAYERS.findIndex((layer) => layer.includes(folder));
  if (rank === -1) throw new Error(`${folder} has no place among the layers`);
  return rank;
}

function leadsTo(
  from: string,
  to: string,
  folders: ReadonlyMap<string, ReadonlySet<string>>,
  seen: Set<string>,
): boolean {
  seen.add(from);
  for (const next of folders.get(from) ?? []) {
    if (next === to || (!seen.has(next) && leadsTo(next, to, folders, seen))) return true;
  }
  return false;
}

function nodeOf(folder: string): string {
  return `${folder.replace(/\W/g, "_")}["${folder}"]`;
}
