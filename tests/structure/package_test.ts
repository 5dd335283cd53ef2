import { assertEquals } from "@std/assert";
import { complaintsOf } from "./deno_complaints.ts";

Deno.test("deno publish takes the package as it is: every exported type is written out", async () => {
  // Not "--dry-run" alone: a working copy has changes.
  assertEquals(await complaintsOf(["publish", "--dry-run", "--allow-dirty"]), "");
});
