import { assertEquals } from "@std/assert";
import { Announcer, FAREWELL } from "../../../lib/server/cluster/announcer.ts";
import { BusMemory, MemoryBus } from "../../../lib/server/bus/memory_bus.ts";
import { Log } from "../../../lib/cli/log.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { FlakyBus } from "../../testing/flaky_bus.ts";
import { upstreamOf } from "../../testing/client_upstreams.ts";
import { SessionAndPeer } from "../../testing/session_fixture.ts";
import { settled } from "../../testing/turn.ts";
import { roomyRegistry } from "../../testing/roomy_registry.ts";

const NODE = { id: "this", url: "http://127.0.0.1:1" };

Deno.test("Announcer says that the node lives, which hostnames it has, and which no more", async () => {
  using scene = new Scene();
  await settled();
  assertEquals(await scene.bus.findNode("this"), NODE);
  const upstream = scene.join("a.test");
  scene.join("b.test");
  await settled();
  assertEquals(await scene.where("a.test", "b.test"), [["this"], ["this"]]);
  scene.registry.remove(upstream);
  await settled();
  assertEquals(await scene.where("a.test", "b.test"), [[], ["this"]]);
});

Deno.test("Announcer takes a client that leaves and comes back in one turn for one that is here", async () => {
  using scene = new Scene();
  const upstream = scene.join("a.test");
  scene.registry.remove(upstream);
  scene.registry.add(upstream);
  await settled();
  assertEquals(await scene.where("a.test"), [["this"]]);
});

Deno.test("Announcer says all again before the lease runs out, and for what has gone it does run out", async () => {
  using scene = new Scene();
  scene.join("a.test");
  await settled();
  for (let i = 0; i < 10; i++) {
    scene.clock.advance(10_000);
    await settled();
  }
  assertEquals(await scene.where("a.test"), [["this"]]);
  await scene.bus.announce("dead", ["a.test"], 30_000);
  for (let i = 0; i < 3; i++) {
    scene.clock.advance(10_000);
    await settled();
  }
  assertEquals(await scene.where("a.test"), [["this"]]);
});

Deno.test("Announcer says everything when the bus is back", async () => {
  using scene = new Scene();
  await settled();
  scene.bus.set(false);
  const upstream = scene.join("a.test");
  scene.join("b.test");
  scene.registry.remove(upstream);
  await settled();
  scene.bus.set(true);
  await settled();
  assertEquals(await scene.where("a.test", "b.test"), [[], ["this"]]);
});

Deno.test("Announcer keeps no changes for a bus that is away", async () => {
  using scene = new Scene();
  await settled();
  scene.bus.set(false);
  for (let i = 0; i < 1_000; i++) {
    scene.registry.remove(scene.join(`${i}.test`));
    if (i % 100 === 0) await settled();
  }
  scene.join("a.test");
  await settled();
  scene.bus.set(true);
  await settled();
  assertEquals(scene.withdrawn, []);
  assertEquals(await scene.where("a.test"), [["this"]]);
});

Deno.test("Announcer keeps no more than 20,000 changes for a bus that stands still, and says everything instead", async () => {
  using scene = new Scene();
  await settled();
  scene.join("a.test");
  const stalled = scene.stall();
  await settled();
  for (let i = 0; i < 20_001; i++) scene.registry.remove(scene.join(`${i}.test`));
  scene.join("b.test");
  stalled[Symbol.dispose]();
  await settled();
  assertEquals(scene.withdrawn, ["20000.test"]);
  assertEquals(await scene.where("a.test", "b.test"), [["this"], ["this"]]);
});

Deno.test("Announcer.leave takes all back and says nothing more; end takes the node's own record", async () => {
  using scene = new Scene();
  scene.join("a.test");
  await settled();
  await scene.announcer.leave();
  scene.join("b.test");
  scene.clock.advance(20_000);
  await settled();
  assertEquals(await scene.where("a.test", "b.test"), [[], []]);
  assertEquals(await scene.bus.findNode("this"), NODE);
  await scene.announcer.end();
  assertEquals(await scene.bus.findNode("this"), null);
});

Deno.test("Announcer says more hostnames than fit one message", async () => {
  using scene = new Scene();
  const hosts = Array.from({ length: 2_500 }, (_, i) => `${i}.test`);
  for (const host of hosts) scene.join(host);
  await settled();
  assertEquals((await scene.where(...hosts)).every(([node]) => node === "this"), true);
});

/** An announcer, its bus and its registry, whose one session is every client's. */
class Scene implements Disposable {
  readonly clock = new FakeClock();
  readonly #notes = new NotingBus(new BusMemory());
  readonly bus = new FlakyBus(this.#notes);
  readonly registry = roomyRegistry();
  readonly #session = new SessionAndPeer("server");
  readonly announcer = new Announcer({
    bus: this.bus,
    node: NODE,
    registry: this.registry,
    log: new Log({ format: "text", level: "error" }),
  });

  /** Hostnames that were taken back. */
  get withdrawn(): readonly string[] {
    return this.#notes.withdrawn;
  }

  /** Lets what is announced wait until it is disposed of. */
  stall(): Disposable {
    return this.#notes.stall();
  }

  join(hostname: string): ReturnType<typeof upstreamOf> {
    const upstream = upstreamOf(this.#session.session, { hostname, thumbprint: hostname });
    this.registry.add(upstream);
    return upstream;
  }

  where(...hostnames: readonly string[]): Promise<(readonly string[])[]> {
    return Promise.all(hostnames.map((hostname) => this.bus.locate(hostname)));
  }

  [Symbol.dispose](): void {
    this.#session[Symbol.dispose]();
    this.clock[Symbol.dispose]();
  }
}

/** A bus that notes what is taken back, and may stand still. */
class NotingBus extends MemoryBus {
  readonly withdrawn: string[] = [];
  #moving = Promise.resolve();

  stall(): Disposable {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#moving = promise;
    return { [Symbol.dispose]: resolve };
  }

  override async announce(
    node: string,
    hostnames: readonly string[],
    lifetime: number,
  ): Promise<void> {
    await this.#moving;
    await super.announce(node, hostnames, lifetime);
  }

  override withdraw(node: string, hostnames: readonly string[]): Promise<void> {
    if (node !== FAREWELL) this.withdrawn.push(...hostnames);
    return super.withdraw(node, hostnames);
  }
}
