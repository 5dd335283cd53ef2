import { assertEquals, assertRejects } from "@std/assert";
import { BusError } from "../../../lib/server/bus/bus.ts";
import { BusMemory, MemoryBus } from "../../../lib/server/bus/memory_bus.ts";
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
