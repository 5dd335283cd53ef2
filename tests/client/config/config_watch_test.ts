import { assertEquals } from "@std/assert";
import { ConfigWatch } from "../../../lib/client/config/config_watch.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { TempDir } from "../../testing/temp_dir.ts";

Deno.test("ConfigWatch tells of a file that was written, and of one that took its place, but not of one that is away", async () => {
  await using folder = await TempDir.make();
  const [path, draft] = [`${folder.path}/config.yaml`, `${folder.path}/draft.yaml`];
  await Deno.writeTextFile(path, "");
  // It looks when the test says so.
  using clock = new FakeClock();
  let changes = 0;
  {
    using watch = new ConfigWatch(path, () => changes++);
    const seen = async (): Promise<number> => {
      await watch.look();
      return changes;
    };
    assertEquals(await seen(), 0);
    await Deno.writeTextFile(path, "server: a.example\n");
    assertEquals([await seen(), await seen()], [1, 1]);
    await Deno.remove(path);
    assertEquals(await seen(), 1);
    await Deno.writeTextFile(draft, "server: b.example\nconnections: 1\n");
    await Deno.rename(draft, path);
    assertEquals([await seen(), await seen()], [2, 2]);
    assertEquals(clock.pending, 1);
  }
  assertEquals(clock.pending, 0);
});
