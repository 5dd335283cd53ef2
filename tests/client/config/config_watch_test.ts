import { assertEquals } from "@std/assert";
import { ConfigWatch } from "../../../lib/client/config/config_watch.ts";
import { eventually } from "../../testing/eventually.ts";
import { TempDir } from "../../testing/temp_dir.ts";

Deno.test("ConfigWatch tells of a file that was written, and of one that took its place, but not of one that is away", async () => {
  await using folder = await TempDir.make();
  const [path, draft] = [`${folder.path}/config.yaml`, `${folder.path}/draft.yaml`];
  await Deno.writeTextFile(path, "");
  let changes = 0;
  using _watch = new ConfigWatch(path, () => changes++);
  let text = "#";
  await eventually("the first change", async () => {
    // The first look may come after the first of these.
    await Deno.writeTextFile(path, text += "#");
    return changes > 0;
  });
  await eventually("calm", async () => {
    const before = changes;
    await new Promise((resolve) => setTimeout(resolve, 1100));
    return changes === before;
  });
  const before = changes;
  await Deno.remove(path);
  await Deno.writeTextFile(draft, "server: a.example\n");
  await Deno.rename(draft, path);
  await eventually("the second change", () => changes === before + 1);
  assertEquals(changes, before + 1);
});
