import type { Bus } from "./bus.ts";
import { MemoryBus } from "./memory_bus.ts";

/**
 * Opens the bus that `--bus` names, for the nodes of a domain. A bus that cannot be reached now is away, and comes back
 * by itself.
 *
 * @throws {RangeError} when it is neither `memory` nor the URL of a Redis server.
 */
export async function openBus(name: string, domain: string): Promise<Bus> {
  if (name === "memory") return new MemoryBus();
  // The client takes a quarter of a second to load, which a server alone need not wait for.
  const { RedisBus } = await import("./redis_bus.ts");
  return await RedisBus.connect(name, { domain });
}
