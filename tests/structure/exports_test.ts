import { assertEquals } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { complaintsOf } from "./deno_complaints.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("every export of the library is documented, and speaks of nothing that is not exported", async () => {
  assertEquals(
    await complaintsOf(["doc", "--lint", "lib/mod.ts", "lib/server/mod.ts", "lib/vite.ts"]),
    "",
  );
});

Deno.test("documents and examples call the package by its name", async () => {
  const files = ["README.md", ".github/LIBRARY.md", ".github/npm/README.md"];
  for await (const { name } of Deno.readDir(new URL(".github/examples", ROOT))) {
    if (name.endsWith(".ts")) files.push(`.github/examples/${name}`);
  }
  const own = [config.name, "@std"];
  const others: string[] = [];
  for (const file of files) {
    const text = await Deno.readTextFile(new URL(file, ROOT));
    for (const [, quoted = ""] of text.matchAll(/(?:\bfrom "|\bnpx )(@[\w-]+(?:\/[\w-]+)?)/g)) {
      if (!own.some((name) => quoted.startsWith(name))) others.push(`${file}: ${quoted}`);
    }
  }
  assertEquals(others, []);
});
