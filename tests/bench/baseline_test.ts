import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { TempDir } from "../testing/temp_dir.ts";
import { Baseline, type Tolerance } from "./baseline.ts";

Deno.test("Baseline.compare names what grew beyond its tolerance, and nothing else", async () => {
  const { worse, table } = await compared(
    [figure("a", 4), figure("b", 4), figure("c", 4, "clock"), figure("d", 4)],
    [figure("a", 5), figure("b", 5.1), figure("c", 7.9, "clock"), figure("d", 1)],
  );
  assertEquals(worse, ["b"]);
  assertStringIncludes(table, "WORSE");
  assertStringIncludes(table, "better");
});

Deno.test("Baseline.compare takes nothing for worse that was zero and is next to nothing", async () => {
  assertEquals((await compared([figure("a", 0)], [figure("a", 0.02)])).worse, []);
  assertEquals((await compared([figure("a", 0)], [figure("a", 0.03)])).worse, ["a"]);
});

Deno.test("Baseline.compare tells what is new and what is missing, neither of which is worse", async () => {
  const { worse, missing, table } = await compared([figure("old", 1)], [figure("new", 1)]);
  assertEquals([worse, missing], [[], ["old"]]);
  assertStringIncludes(table, "new");
});

Deno.test("Baseline.read takes a missing file for an empty one, and no other for that", async () => {
  await using folder = await TempDir.make();
  const none = await Baseline.read(new URL(`file://${folder.path}/none.json`));
  assertEquals(none.compare([figure("a", 1)]).worse, []);
  await Deno.writeTextFile(`${folder.path}/bad.json`, "{");
  await assertRejects(() => Baseline.read(new URL(`file://${folder.path}/bad.json`)));
});

async function compared(
  before: readonly ReturnType<typeof figure>[],
  now: readonly ReturnType<typeof figure>[],
) {
  await using folder = await TempDir.make();
  const file = new URL(`file://${folder.path}/baseline.json`);
  await Baseline.write(file, before, "a test");
  return (await Baseline.read(file)).compare(now);
}

function figure(name: string, value: number, tolerance: Tolerance = "exact") {
  return { name, value, tolerance };
}
