import { assertEquals, assertRejects } from "@std/assert";
import { BusError, type NameAnswer, type NameClaim } from "../../../lib/server/bus/bus.ts";
import { BusMemory, MemoryBus } from "../../../lib/server/bus/memory_bus.ts";
import { Names } from "../../../lib/server/access/names.ts";
import { RegistrationError } from "../../../lib/wire/registration_error.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { settled } from "../../testing/turn.ts";

const HOUR = 3_600_000;

Deno.test("Names gives a name to the first key that asks and to no other, on any node", async () => {
  using _clock = new FakeClock();
  const memory = new BusMemory();
  const [here, there] = [namesOf(new MemoryBus(memory)), namesOf(new MemoryBus(memory))];
  await here.claim("shop", "a");
  await here.claim("shop", "a");
  await refused("name_taken", true, here.claim("shop", "b"));
  await refused("name_taken", true, there.claim("shop", "b"));
  await there.claim("shop", "a");
  await there.claim("blog", "b");
});

Deno.test("Names keeps a name for as long as it is held and for 24 hours after the last connection", async () => {
  using clock = new FakeClock();
  const names = namesOf(new MemoryBus());
  await names.claim("shop", "a");
  const [first, second] = [names.hold("shop", "a"), names.hold("shop", "a")];
  for (let hour = 0; hour < 100; hour++) {
    clock.advance(HOUR);
    await settled();
  }
  await refused("name_taken", true, names.claim("shop", "b"));
  first();
  second();
  assertEquals(clock.pending, 0, "no timer is left");
  clock.advance(24 * HOUR - 1);
  await refused("name_taken", true, names.claim("shop", "b"));
  clock.advance(1);
  await names.claim("shop", "b");
  await refused("name_taken", true, names.claim("shop", "a"));
});

Deno.test("Names gives one key 16 names at most, however it asks, and others to others", async () => {
  using clock = new FakeClock();
  const names = namesOf(new MemoryBus());
  await names.claim("taken", "b");
  await refused("name_taken", true, names.claim("taken", "a"));
  const wanted = Array.from({ length: 20 }, (_, i) => `name-${i}`);
  const claims = await Promise.allSettled(wanted.map((name) => names.claim(name, "a")));
  assertEquals(claims.filter(({ status }) => status === "fulfilled").length, 16);
  await refused("bad_name", true, names.claim("name-16", "a"));
  await names.claim("name-15", "a");
  await names.claim("name-16", "b");
  const release = names.hold("name-0", "a");
  for (let hour = 0; hour < 24; hour++) {
    clock.advance(HOUR);
    await settled();
  }
  // Those that nobody held are free by now.
  for (let i = 0; i < 15; i++) await names.claim(`other-${i}`, "a");
  await refused("bad_name", true, names.claim("one-more", "a"));
  release();
  await refused("bad_name", true, names.claim("one-more", "a"));
  clock.advance(24 * HOUR);
  await names.claim("one-more", "a");
});

Deno.test("Names cannot tell while the bus is away, so nobody gets a name and everybody may try again", async () => {
  using _clock = new FakeClock();
  const bus = new MemoryBus();
  const names = namesOf(bus);
  await names.claim("shop", "a");
  await bus.close();
  await refused("try_again", false, names.claim("shop", "a"));
  await refused("try_again", false, names.claim("blog", "b"));
  // What was given stays given, and giving it back is no error either.
  const release = names.hold("shop", "a");
  await names.claim("shop", "a");
  await refused("try_again", false, names.claim("shop", "b"));
  release();
  await settled();
  await refused("try_again", false, names.claim("shop", "a"));
});

Deno.test("Names says all names again when the bus is up again, and hears of those that it lost meanwhile", async () => {
  using _clock = new FakeClock();
  const bus = new ForgetfulBus();
  const lost: string[][] = [];
  const names = new Names({ bus, onLost: (...args) => lost.push(args) });
  for (const name of ["shop", "blog"]) {
    await names.claim(name, "a");
    names.hold(name, "a");
  }
  bus.owners.clear();
  bus.owners.set("shop", "b");
  bus.change(true);
  await settled();
  assertEquals(lost, [["shop", "a"]]);
  assertEquals([...bus.owners], [["shop", "b"], ["blog", "a"]]);
  bus.isAway = true;
  bus.change(true);
  await settled();
  assertEquals(lost.length, 1, "one that goes away again takes no name from anybody");
});

Deno.test("Names gives nobody a name that is in use here, also when the bus has forgotten whose it is", async () => {
  using _clock = new FakeClock();
  const bus = new ForgetfulBus();
  const names = new Names({ bus, onLost: () => {} });
  await names.claim("shop", "a");
  const release = names.hold("shop", "a");
  bus.owners.clear();
  await refused("name_taken", true, names.claim("shop", "b"));
  assertEquals([...bus.owners], [["shop", "a"]]);
  release();
});

Deno.test("Names lets those wait who ask for a free name of a bus that may have forgotten its owner", async () => {
  using _clock = new FakeClock();
  const bus = new ForgetfulBus();
  const names = new Names({ bus, onLost: () => {} });
  await names.claim("shop", "a");
  const release = names.hold("shop", "a");
  bus.forget();
  await refused("try_again", false, names.claim("blog", "b"));
  // Who has one already gets it.
  await names.claim("shop", "a");
  bus.isSettling = false;
  await names.claim("blog", "b");
  release();
});

Deno.test("Names notices within five seconds that the bus has forgotten, and says all names again", async () => {
  using clock = new FakeClock();
  const bus = new ForgetfulBus();
  const names = new Names({ bus, onLost: () => {} });
  // More than are said at once.
  const held = Array.from({ length: 16 * 20 }, (_, i) => [`name-${i}`, `key-${i % 20}`] as const);
  for (const [name, owner] of held) {
    await names.claim(name, owner);
    names.hold(name, owner);
  }
  clock.advance(5_000);
  await settled();
  const asked = bus.asked;
  bus.forget();
  clock.advance(4_999);
  await settled();
  assertEquals(bus.asked, asked);
  clock.advance(1);
  await settled();
  assertEquals(new Map(bus.owners), new Map(held));
  clock.advance(60_000);
  await settled();
  assertEquals(bus.asked < asked + 2 * held.length + 20, true, "all are said for an hour, once");
});

/** A bus that can be made to forget, as a server without a disk does. */
class ForgetfulBus {
  readonly owners = new Map<string, string>();
  isAway = false;
  isSettling = false;
  /** Claims so far. */
  asked = 0;
  change: (isUp: boolean) => void = () => {};
  #memory = 0;

  onChange(listener: (isUp: boolean) => void): void {
    this.change = listener;
  }

  forget(): void {
    this.owners.clear();
    this.#memory++;
    this.isSettling = true;
  }

  async claimName({ name, owner, isHeld }: NameClaim): Promise<NameAnswer> {
    this.asked++;
    if (this.isAway) throw new BusError("away");
    const memory = `${this.#memory}`;
    const current = this.owners.get(name);
    if (current !== undefined) return await Promise.resolve({ owner: current, memory });
    if (this.isSettling && !isHeld) return { owner: null, memory };
    this.owners.set(name, owner);
    return { owner, memory };
  }
}

function namesOf(bus: MemoryBus): Names {
  return new Names({ bus, onLost: () => {} });
}

async function refused(code: string, permanent: boolean, claim: Promise<void>): Promise<void> {
  const error = await assertRejects(() => claim, RegistrationError);
  assertEquals([error.code, error.permanent], [code, permanent]);
}
