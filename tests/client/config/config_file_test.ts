import { assertEquals, assertRejects } from "@std/assert";
import { ProgramError } from "../../../lib/cli/program.ts";
import { loadConfigFile } from "../../../lib/client/config/config_file.ts";
import { TempDir } from "../../testing/temp_dir.ts";

Deno.test("loadConfigFile needs a file that was named, and no other", async () => {
  await using folder = await TempDir.make();
  const path = `${folder.path}/config.yaml`;
  const nothing = { config: null, warning: null };
  assertEquals(await loadConfigFile({ path, isNamed: false }), nothing);
  await assertRejects(
    () => loadConfigFile({ path, isNamed: true }),
    ProgramError,
    `there is no config file ${path}`,
  );
  await Deno.writeTextFile(path, "server: a.example\n", { mode: 0o600 });
  const { config, warning } = await loadConfigFile({ path, isNamed: false });
  assertEquals([config?.client.get("server"), warning], [["a.example"], null]);
});

Deno.test(
  "loadConfigFile goes on without a file where the home is no folder, as a daemon's often is",
  {
    // Windows says that such a file is not there.
    ignore: Deno.build.os === "windows",
  },
  async () => {
    await using folder = await TempDir.make();
    await Deno.writeTextFile(`${folder.path}/home`, "");
    const path = `${folder.path}/home/.config/tunnel/config.yaml`;
    assertEquals((await loadConfigFile({ path, isNamed: false })).config, null);
    await assertRejects(() => loadConfigFile({ path, isNamed: true }), ProgramError, "cannot read");
  },
);

Deno.test("loadConfigFile refuses a folder and a file that is larger than any", async () => {
  await using folder = await TempDir.make();
  const options = { path: folder.path, isNamed: true };
  await assertRejects(() => loadConfigFile(options), ProgramError, "cannot read the config file");
  const path = `${folder.path}/large.yaml`;
  await Deno.writeTextFile(path, "#".repeat(257 * 1024));
  await assertRejects(
    () => loadConfigFile({ path, isNamed: true }),
    ProgramError,
    "is larger than",
  );
});
