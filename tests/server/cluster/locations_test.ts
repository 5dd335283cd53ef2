import { assertEquals, assertFalse } from "@std/assert";
import { Locations } from "../../../lib/server/cluster/locations.ts";
import { BusMemory, MemoryBus } from "../../../lib/server/bus/memory_bus.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { FlakyBus } from "../../testing/flaky_bus.ts";

const HOST = "a.test";
const LEASE = 30_000;

Deno.test("Locations.recall knows what the bus said for a second, and then it is to be asked", async () => {
  using clock = new FakeClock();
  const { bus, locations } = scene();
  assertEquals(locations.recall(HOST), null);
  await bus.announce("other", [HOST], LEASE);
  assertEquals(await locations.ask(HOST), ["other"]);
  await bus.withdraw("other", [HOST]);
  clock.advance(1_000);
  assertEquals(locations.recall(HOST), ["other"]);
  clock.advance(1);
  assertEquals(locations.recall(HOST), null);
  assertEquals([await locations.ask(HOST), locations.recall(HOST)], [[], []]);
});

Deno.test("Locations.ask passes over what the bus says of this node itself", async () => {
  using _clock = new FakeClock();
  const { bus, locations } = scene();
  await bus.announce("other", [HOST], LEASE);
  await bus.announce("this", [HOST], LEASE);
  assertEquals(await locations.ask(HOST), ["other"]);
});

Deno.test("Locations.knows a hostname that was somewhere, and none that visitors made up", async () => {
  using clock = new FakeClock();
  const { bus, locations } = scene();
  await locations.ask(HOST);
  assertFalse(locations.knows(HOST));
  await bus.announce("other", [HOST], LEASE);
  clock.advance(300);
  await locations.ask(HOST);
  await bus.withdraw("other", [HOST]);
  clock.advance(300);
  assertEquals([await locations.ask(HOST), locations.knows(HOST)], [[], true]);
});

Deno.test("Locations.miss takes a node out for half a second", async () => {
  using clock = new FakeClock();
  const { bus, locations } = scene();
  await bus.announce("first", [HOST], LEASE);
  await bus.announce("second", [HOST], LEASE + 1);
  assertEquals(await locations.ask(HOST), ["second", "first"]);
  locations.miss(HOST, "second");
  locations.miss(HOST, "a stranger");
  assertEquals([locations.recall(HOST), await locations.ask(HOST)], [["first"], ["first"]]);
  clock.advance(500);
  assertEquals(await locations.ask(HOST), ["second", "first"]);
});

Deno.test("Locations.ask tells what was known before when the bus is away", async () => {
  using clock = new FakeClock();
  const { bus, locations } = scene();
  await bus.announce("other", [HOST], LEASE);
  await locations.ask(HOST);
  bus.set(false);
  clock.advance(3_600_000);
  assertEquals(await locations.ask(HOST), ["other"]);
  assertEquals(await locations.ask("b.test"), []);
});

Deno.test("Locations.ask asks the bus once for many who ask at the same time, and waits no longer than it must", async () => {
  using clock = new FakeClock();
  let questions = 0;
  const { bus, locations } = scene();
  await bus.announce("other", [HOST], LEASE);
  await locations.ask(HOST);
  const never = Promise.withResolvers<readonly string[]>();
  bus.locate = () => {
    questions++;
    return never.promise;
  };
  clock.advance(2_000);
  const known = [locations.ask(HOST), locations.ask(HOST)];
  const unknown = locations.ask("b.test");
  clock.advance(100);
  assertEquals(await Promise.all(known), [["other"], ["other"]]);
  assertEquals(questions, 2);
  clock.advance(900);
  assertEquals([await unknown, clock.pending], [[], 0]);
});

Deno.test("Locations remembers ten thousand hostnames, the ones asked for lately", async () => {
  using clock = new FakeClock();
  const { bus, locations } = scene();
  const hosts = Array.from({ length: 10_000 }, (_, i) => `${i}.test`);
  await bus.announce("other", [HOST, ...hosts], LEASE);
  await locations.ask(HOST);
  for (const host of hosts.slice(0, -1)) await locations.ask(host);
  clock.advance(300);
  await locations.ask(HOST);
  await locations.ask("9999.test");
  assertEquals([locations.knows(HOST), locations.knows("0.test"), locations.knows("1.test")], [
    true,
    false,
    true,
  ]);
});

function scene(): { readonly bus: FlakyBus; readonly locations: Locations } {
  const bus = new FlakyBus(new MemoryBus(new BusMemory()));
  return { bus, locations: new Locations({ bus, node: "this" }) };
}
