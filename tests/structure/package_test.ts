import { assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);

Deno.test("every export of the library is documented, and speaks of nothing that is not exported", async () => {
  assertEquals(
    await complaintsOf(["doc", "--lint", "lib/mod.ts", "lib/server/mod.ts", "lib/vite.ts"]),
    "",
  );
});

Deno.test("deno publish takes the package as it is: every exported type is written out", async () => {
  // Not "--dry-run" alone: a working copy has changes.
  assertEquals(await complaintsOf(["publish", "--dry-run", "--allow-dirty"]), "");
});

/** Runs a command of Deno's and returns what it says when it fails. */
async function complaintsOf(args: readonly string[]): Promise<string> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  return success ? "" : new TextDecoder().decode(stderr);
}
