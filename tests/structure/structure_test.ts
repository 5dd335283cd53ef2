import { assertEquals, assertThrows } from "@std/assert";
import {
  arrowsUp,
  circlesOf,
  codeOf,
  drawingOf,
  importsOf,
  readSource,
  readSourceGraph,
  type SourceGraph,
} from "./source_graph.ts";
import { readDrawing } from "./structure.ts";

/** Folders without anything of Deno's own: sockets and files are handed to them from above. */
const PORTABLE = ["lib/wire/", "lib/identity/", "lib/mux/", "lib/http/", "lib/websocket/"] as const;

/** What stands for Deno behind an interface, where other runtimes have something else. */
const OF_DENO: readonly string[] = ["lib/cli/deno_runtime.ts", "lib/net/deno_network.ts"];

Deno.test("every import leads to a file that is there", async () => {
  const graph = await readSourceGraph();
  const missing = [...graph].flatMap(([file, imports]) =>
    imports.filter((imported) => !graph.has(imported)).map((imported) => `${file} -> ${imported}`)
  );
  assertEquals(missing, []);
});

Deno.test("no file imports from a higher layer, nor a program from the other", async () => {
  assertEquals(arrowsUp(await readSourceGraph()), []);
});

Deno.test("no files import each other in a circle", async () => {
  assertEquals(circlesOf(await readSourceGraph()), []);
});

Deno.test("wire, identity, mux, http and websocket use nothing of Deno's own", async () => {
  assertEquals(await usesOfDeno(PORTABLE), []);
});

Deno.test("of library and client only what stands for Deno uses something of Deno's own", async () => {
  const found = await usesOfDeno([
    "client.ts",
    "lib/mod.ts",
    "lib/net/",
    "lib/cli/",
    "lib/client/",
  ]);
  assertEquals(found.filter((file) => !OF_DENO.includes(file)), []);
});

/** Returns the files of these folders that name a member of Deno's. */
async function usesOfDeno(folders: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const file of (await readSourceGraph()).keys()) {
    if (!folders.some((folder) => file.startsWith(folder))) continue;
    if (/\bDeno\./.test(codeOf(await readSource(file)))) found.push(file);
  }
  return found;
}

Deno.test("ARCHITECTURE.md has the present drawing of the folders: `deno task structure` writes it", async () => {
  assertEquals(await readDrawing(), drawingOf(await readSourceGraph()));
});

// The reader and the rules themselves.

Deno.test("importsOf finds imports of every kind, and none in comments", () => {
  const source = `
    import { a } from "../mux/a.ts";
    import type { B } from "./b.ts";
    import "./c.ts";
    export { d, type D } from "./d.ts";
    const e = await import("./e.ts");
    import {
      f,
    } from "../../server.ts";
    import { assert } from "@std/assert";
    // import { g } from "./g.ts";
    /** import { h } from "./h.ts"; */
  `;
  assertEquals(importsOf("lib/wire/x.ts", source), [
    "lib/mux/a.ts",
    "lib/wire/b.ts",
    "lib/wire/c.ts",
    "lib/wire/d.ts",
    "lib/wire/e.ts",
    "server.ts",
  ]);
});

Deno.test("circlesOf finds circles of two and of more files, and a file that imports itself", () => {
  const graph = graphOf({ a: ["b"], b: ["c"], c: ["a", "d"], d: ["e"], e: ["d"], f: ["f", "a"] });
  assertEquals(circlesOf(graph), [["a", "b", "c"], ["d", "e"], ["f"]]);
});

Deno.test("arrowsUp lets imports point down or stay, and keeps the programs apart", () => {
  const graph = graphOf({
    "server.ts": ["lib/server/a.ts", "lib/cli/a.ts", "lib/client/a.ts"],
    "client.ts": ["lib/client/a.ts", "server.ts"],
    "lib/client/a.ts": ["lib/client/services/b.ts", "lib/server/a.ts", "client.ts"],
    "lib/mux/a.ts": ["lib/net/a.ts", "lib/websocket/a.ts"],
  });
  assertEquals(arrowsUp(graph), [
    "server.ts -> lib/client/a.ts",
    "client.ts -> server.ts",
    "lib/client/a.ts -> lib/server/a.ts",
    "lib/client/a.ts -> client.ts",
    "lib/mux/a.ts -> lib/websocket/a.ts",
  ]);
  assertThrows(() => arrowsUp(graphOf({ "lib/util/a.ts": ["lib/mux/a.ts"] })), Error, "lib/util");
});

Deno.test("drawingOf draws folders, and leaves out an arrow where others lead the same way", () => {
  const graph = graphOf({
    "lib/mux/a.ts": ["lib/mux/b.ts", "lib/wire/a.ts", "lib/net/a.ts"],
    "lib/mux/b.ts": ["lib/net/b.ts"],
    "lib/wire/a.ts": ["lib/http/a.ts"],
    "lib/http/a.ts": ["lib/net/a.ts"],
  });
  assertEquals(drawingOf(graph).split("\n").slice(2, -1), [
    '  lib_http["lib/http"] --> lib_net["lib/net"]',
    '  lib_mux["lib/mux"] --> lib_wire["lib/wire"]',
    '  lib_wire["lib/wire"] --> lib_http["lib/http"]',
  ]);
});

function graphOf(imports: Readonly<Record<string, readonly string[]>>): SourceGraph {
  return new Map(Object.entries(imports));
}
