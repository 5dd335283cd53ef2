import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { StateError, StateFolder } from "../../lib/server/state_folder.ts";
import { TempDir } from "../testing/temp_dir.ts";

/** Windows has no such modes. */
const hasModes = Deno.build.os !== "windows";

Deno.test("StateFolder keeps texts for its user alone, and makes folders on the way", async () => {
  await using temporary = await TempDir.make();
  const path = `${temporary.path}/a/b`;
  const folder = await StateFolder.open(path);
  assertEquals(await folder.read("text"), null);
  for (const text of ["first", "second"]) {
    await folder.write("text", text);
    assertEquals(await folder.read("text"), text);
  }
  assertEquals([...Deno.readDirSync(path)].map(({ name }) => name), ["text"]);
  if (!hasModes) return;
  const modeOf = (path: string) => (Deno.statSync(path).mode ?? 0) & 0o777;
  assertEquals([modeOf(path), modeOf(`${path}/text`)], [0o700, 0o600]);
});

Deno.test("StateFolder says why it cannot be used", async (t) => {
  await using temporary = await TempDir.make();
  const file = `${temporary.path}/file`;
  await Deno.writeTextFile(file, "");
  const fails = async (act: () => Promise<unknown>, message: RegExp) => {
    assertMatch((await assertRejects(act, StateError)).message, message);
  };
  await t.step("a file in its place", async () => {
    await fails(() => StateFolder.open(file), /cannot keep anything in \S+file: .*--state/);
  });
  const folder = await StateFolder.open(`${temporary.path}/state`);
  await t.step("a folder in the place of a file", async () => {
    await Deno.mkdir(`${folder.path}/text/more`, { recursive: true });
    await fails(() => folder.write("text", "a"), /cannot write \S+text: /);
    assertEquals([...Deno.readDirSync(folder.path)].length, 1, "no draft is left over");
  });
  await t.step("a file of unlikely length", async () => {
    await Deno.writeFile(`${folder.path}/long`, new Uint8Array(1024 * 1024 + 1), { mode: 0o600 });
    await fails(() => folder.read("long"), /larger than/);
  });
  await t.step({
    name: "a file that others may read",
    ignore: !hasModes,
    fn: async () => {
      await folder.write("open", "secret");
      await Deno.chmod(`${folder.path}/open`, 0o640);
      await fails(() => folder.read("open"), /others may read or change .*chmod 600/);
    },
  });
  await t.step({
    name: "a folder that others may put files into",
    ignore: !hasModes,
    fn: async () => {
      await Deno.chmod(folder.path, 0o730);
      await fails(
        () => StateFolder.open(folder.path),
        /others may put files of theirs .*chmod 700/,
      );
      await Deno.chmod(folder.path, 0o755);
      await StateFolder.open(folder.path);
    },
  });
});

Deno.test("StateFolder writes in the place of a link, and never through it", {
  // It takes a right of its own to make one on Windows.
  ignore: !hasModes,
}, async () => {
  await using temporary = await TempDir.make();
  const folder = await StateFolder.open(`${temporary.path}/state`);
  const elsewhere = `${temporary.path}/elsewhere`;
  await Deno.writeTextFile(elsewhere, "somebody's", { mode: 0o600 });
  await Deno.symlink(elsewhere, `${folder.path}/text`);
  await folder.write("text", "the server's");
  assertEquals(await Deno.readTextFile(elsewhere), "somebody's");
  assertEquals(await folder.read("text"), "the server's");
  await Deno.symlink(`${temporary.path}/nothing`, `${folder.path}/dangling`);
  assertEquals(await folder.read("dangling"), null);
});
