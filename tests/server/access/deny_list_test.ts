import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { MAX_BANS } from "../../../lib/server/access/ban_records.ts";
import { DenyList, DenyListError } from "../../../lib/server/access/deny_list.ts";
import { StateError, StateFolder } from "../../../lib/server/state_folder.ts";
import { TempDir } from "../../testing/temp_dir.ts";

const KEY = "hMaT5XQ0fCQcBVRlYlnBqFEzhvVzHxkoRqnjYM1y2mU";
const OTHER = "2tJ0Zf4Bqk1oG5xY7s0l9xH8W1F3c6yQeN0vJr5u8aI";

Deno.test("DenyList keeps what is banned, and what is lifted, for the next process", async () => {
  await using folder = await TempDir.make();
  const state = await StateFolder.open(folder.path);
  const list = await DenyList.open(state);
  assertEquals(list.whyBanned({ thumbprint: KEY, address: "203.0.113.7" }), null);
  const ban = await list.add({ kind: "key", value: KEY, reason: "phishing" });
  await list.add({ kind: "network", value: "203.0.113.0/24", reason: "" });
  await list.add({ kind: "network", value: "2001:db8::/32", reason: "" });

  const again = await DenyList.open(state);
  assertEquals(again.bans, list.bans);
  assertEquals(again.bans[0], ban);
  const why = (thumbprint: string, address: string) => again.whyBanned({ thumbprint, address });
  assertMatch(why(KEY, "198.51.100.1") ?? "", /this key is banned/);
  assertMatch(why(OTHER, "203.0.113.200") ?? "", /from 203.0.113.200 are banned/);
  assertMatch(why(OTHER, "2001:db8:1::1") ?? "", /banned/);
  assertEquals(why(OTHER, "198.51.100.1"), null);

  assert(await again.remove({ kind: "network", value: "203.0.113.0/24" }));
  assert(!await again.remove({ kind: "network", value: "203.0.113.0/24" }));
  const last = await DenyList.open(state);
  assertEquals(last.bans.map(({ value }) => value), [KEY, "2001:db8::/32"]);
  assertEquals(last.whyBannedAt("203.0.113.200"), null);
});

Deno.test("DenyList takes changes at the same time, one after the other, and its bound", async () => {
  await using folder = await TempDir.make();
  const state = await StateFolder.open(folder.path);
  const list = await DenyList.open(state);
  const add = (i: number) =>
    list.add({ kind: "network", value: `10.0.${i >> 8}.${i & 255}`, reason: "x".repeat(100) });
  await Promise.all(Array.from({ length: 20 }, (_, i) => add(i)));
  assertEquals((await DenyList.open(state)).bans.length, 20);
  const memory = DenyList.inMemory();
  for (let i = 0; i < MAX_BANS; i++) {
    await memory.add({ kind: "network", value: `10.0.${i >> 8}.${i & 255}`, reason: "" });
  }
  const one = { kind: "key", value: KEY, reason: "" } as const;
  const { message } = await assertRejects(() => memory.add(one), DenyListError);
  assertMatch(message, /1000 bans already/);
  await memory.add({ kind: "network", value: "10.0.0.0", reason: "noted anew" });
  assertEquals(memory.bans.length, MAX_BANS);
});

Deno.test("DenyList refuses what is no key, no network, or too long", async (t) => {
  const list = DenyList.inMemory();
  for (
    const [kind, value, reason] of [
      ["key", "203.0.113.0/24", ""],
      ["key", `${KEY}=`, ""],
      ["network", KEY, ""],
      ["network", "203.0.113.0/33", ""],
      ["network", "1.2.3.4,5.6.7.8", ""],
      ["network", "loopback", ""],
      ["network", "", ""],
      ["key", KEY, "x".repeat(101)],
    ] as const
  ) {
    await t.step(`${kind} ${value}`, async () => {
      await assertRejects(() => list.add({ kind, value, reason }), DenyListError);
      assertEquals(list.bans, []);
    });
  }
});

Deno.test("A deny list that is damaged lets nobody in: the server does not start with it", async (t) => {
  await using folder = await TempDir.make();
  const state = await StateFolder.open(folder.path);
  const since = "2027-01-31T12:00:00Z";
  const ban = { kind: "key", value: KEY, reason: "", since };
  for (
    const text of [
      "",
      "{",
      "[]",
      "{}",
      '{"bans": {}}',
      '{"bans": [1]}',
      JSON.stringify({ bans: [{ ...ban, kind: "ip" }] }),
      JSON.stringify({ bans: [{ ...ban, value: "x" }] }),
      JSON.stringify({ bans: [{ ...ban, since: "yesterday" }] }),
      JSON.stringify({ bans: [{ ...ban, reason: null }] }),
      JSON.stringify({ bans: Array(MAX_BANS + 1).fill(ban) }),
    ]
  ) {
    await t.step(text.slice(0, 60), async () => {
      await Deno.writeTextFile(state.pathOf("bans.json"), text, { mode: 0o600 });
      const { message } = await assertRejects(() => DenyList.open(state), StateError);
      assertMatch(message, /bans\.json is no list of bans: .*; mend it, or remove it to lift all/);
    });
  }
});

Deno.test("A ban that cannot be kept does not hold, and says so", async () => {
  await using folder = await TempDir.make();
  const list = await DenyList.open(await StateFolder.open(folder.path));
  await Deno.mkdir(`${folder.path}/bans.json/in the way`, { recursive: true });
  await assertRejects(() => list.add({ kind: "key", value: KEY, reason: "" }), StateError);
  assertEquals([list.bans, list.whyBanned({ thumbprint: KEY, address: "::1" })], [[], null]);
  await Deno.remove(`${folder.path}/bans.json`, { recursive: true });
  await list.add({ kind: "key", value: KEY, reason: "" });
  assertEquals(list.bans.length, 1);
});
