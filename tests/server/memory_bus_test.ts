import { BusMemory, MemoryBus } from "../../lib/server/memory_bus.ts";
import { type BusPair, checkBus } from "./bus_contract.ts";

Deno.test("MemoryBus does what every bus must", async (t) => {
  await checkBus(t, () => Promise.resolve(openPair()));
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
