import { assertEquals, assertRejects } from "@std/assert";
import { BusError } from "../../../lib/server/bus/bus.ts";
import { MAX_BUS_MESSAGE } from "../../../lib/server/bus/bus_limits.ts";
import { BusMemory, MemoryBus } from "../../../lib/server/bus/memory_bus.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { turn } from "../../testing/turn.ts";
import { type BusPair, checkBus } from "./bus_contract.ts";

Deno.test("MemoryBus does what every bus must", async (t) => {
  await checkBus(t, () => Promise.resolve(openPair()));
});

Deno.test("MemoryBus keeps so many nodes and no more", async () => {
  await using pair = openPair();
  const { one, other } = pair;
  const keep = (i: number) => one.keepNode({ id: `n${i}`, url: null }, 60_000);
  for (let i = 0; i < 1000; i++) await keep(i);
  await assertRejects(() => keep(1000), BusError);
  await other.dropNode("n7");
  await keep(1000);
  assertEquals(await other.findNode("n1000"), { id: "n1000", url: null });
});

Deno.test("MemoryBus delivers nothing after it is closed, and leaves another's place alone", async () => {
  const memory = new BusMemory();
  const [one, other] = [new MemoryBus(memory), new MemoryBus(memory)];
  const got: string[] = [];
  await one.receive("n1", () => got.push("one"));
  await other.send("n1", new Uint8Array(1));
  await one.close();
  await turn();
  assertEquals([got, await other.send("n1", new Uint8Array(1))], [[], false]);

  const third = new MemoryBus(memory);
  await other.receive("n1", () => got.push("other"));
  await third.receive("n1", () => got.push("third"));
  await other.close();
  assertEquals(await third.send("n1", new Uint8Array(1)), true);
  await turn();
  assertEquals(got, ["third"]);
  await third.close();
});

Deno.test("MemoryBus holds messages of 16 MiB for a node, each with 64 bytes more, and not a byte above", async () => {
  const longest = new Uint8Array(MAX_BUS_MESSAGE);
  const last = longest.subarray(8 * 64);
  for (const more of [0, 1]) {
    await using pair = openPair();
    let arrived = 0;
    await pair.other.receive("n2", () => arrived++);
    const first = Array.from({ length: 7 }, () => pair.one.send("n2", longest));
    const eighth = pair.one.send("n2", longest.subarray(0, last.length + more));
    if (more === 0) await eighth;
    else await assertRejects(() => eighth, BusError);
    await Promise.all(first);
    await turn();
    assertEquals(arrived, 8 - more);
  }
});

Deno.test("MemoryBus ends a node's lease on a hostname with its last millisecond, and keeps nothing of it", async () => {
  using clock = new FakeClock();
  const memory = new BusMemory();
  const bus = new MemoryBus(memory);
  await bus.announce("short", ["a.example"], 100);
  await bus.announce("long", ["a.example"], 300);
  clock.advance(99);
  assertEquals(await bus.locate("a.example"), ["long", "short"]);
  clock.advance(1);
  assertEquals(await bus.locate("a.example"), ["long"]);
  await bus.announce("next", ["a.example"], 100);
  assertEquals([...memory.leases.get("a.example")?.keys() ?? []], ["long", "next"]);
});

function openPair(): BusPair {
  const memory = new BusMemory();
  const [one, other] = [new MemoryBus(memory), new MemoryBus(memory)];
  return {
    one,
    other,
    async [Symbol.asyncDispose]() {
      await one.close();
      await other.close();
    },
  };
}
