import { assertEquals, assertMatch } from "@std/assert";
import { Log } from "../../../lib/cli/log.ts";
import { DenyList } from "../../../lib/server/access/deny_list.ts";
import { SharedBans } from "../../../lib/server/admin/shared_bans.ts";
import type { Bus } from "../../../lib/server/bus/bus.ts";
import { BusMemory, MemoryBus } from "../../../lib/server/bus/memory_bus.ts";
import { SealedTexts } from "../../../lib/server/bus/sealed_texts.ts";
import { StateFolder } from "../../../lib/server/state_folder.ts";
import { eventually } from "../../testing/eventually.ts";
import { FlakyBus } from "../../testing/flaky_bus.ts";
import { TempDir } from "../../testing/temp_dir.ts";

const SECRET = "the operator's own secret";
const DOMAIN = "tunnel.example";
const LONG = 60_000;

Deno.test("SharedBans brings the bans of each node to all, and says so where they are new", async () => {
  const memory = new BusMemory();
  await using one = new Sharing(new MemoryBus(memory));
  await using two = new Sharing(new MemoryBus(memory));
  // The first look of each is over then: no two write at the same time here.
  await one.bans.sync();
  await two.bans.sync();
  await one.ban("203.0.113.0/24");
  await two.ban("198.51.100.7");
  await one.bans.sync();
  await two.bans.sync();
  await one.bans.sync();
  assertEquals(one.values, ["203.0.113.0/24", "198.51.100.7"].sort());
  assertEquals(two.values, one.values);
  assertEquals([one.changes, two.changes], [1, 1]);
  await two.denyList.remove({ kind: "network", value: "203.0.113.0/24" });
  await two.bans.sync();
  await one.bans.sync();
  assertEquals([one.values, one.changes], [["198.51.100.7"], 2]);

  await using later = new Sharing(new MemoryBus(memory));
  await later.bans.sync();
  assertEquals(later.values, ["198.51.100.7"]);
});

Deno.test("SharedBans lets both sides of an outage have their bans, and a bus that has forgotten gets them again", async () => {
  const bus = new FlakyBus(new MemoryBus(new BusMemory()));
  await using one = new Sharing(bus);
  await one.bans.sync();
  bus.set(false);
  await one.ban("203.0.113.0/24");
  await one.bans.sync();
  assertEquals(one.values, ["203.0.113.0/24"]);
  bus.set(true);
  await one.bans.sync();
  await using two = new Sharing(bus);
  await two.bans.sync();
  assertEquals(two.values, ["203.0.113.0/24"]);
});

Deno.test("SharedBans of two nodes that write at the same time come to the same, since each tells the other", async () => {
  const memory = new BusMemory();
  const buses = [new FlakyBus(new MemoryBus(memory)), new FlakyBus(new MemoryBus(memory))] as const;
  for (const bus of buses) bus.set(false);
  await using one = new Sharing(buses[0]);
  await using two = new Sharing(buses[1]);
  await one.ban("203.0.113.0/24");
  await two.ban("198.51.100.7");
  one.others = [two];
  two.others = [one];
  // Both begin to look in one turn of the event loop, find nothing, and write.
  for (const bus of buses) bus.set(true);
  await Promise.all([one.bans.sync(), two.bans.sync()]);
  await eventually(
    "what both have",
    () => one.values.length === 2 && two.values.length === 2,
    5_000,
  );
});

Deno.test("SharedBans takes no list that no node with its secret has made, and keeps its own", async (t) => {
  const memory = new BusMemory();
  const bus = new MemoryBusWithNames(memory);
  await using one = new Sharing(bus);
  await one.ban("203.0.113.0/24");
  await one.bans.sync();
  const [name = ""] = bus.kept;
  assertMatch(name, /^bans:[\w-]{16}$/);
  const others = await SealedTexts.make({
    bus,
    secret: "another secret of theirs",
    domain: DOMAIN,
  });
  const ours = await SealedTexts.make({ bus, secret: SECRET, domain: DOMAIN });
  const ways: Readonly<Record<string, () => Promise<void>>> = {
    "junk": () => bus.keepText(name, "junk", LONG),
    "an empty list in the clear": () => bus.keepText(name, '{"bans":[]}', LONG),
    "one sealed with another secret": () => others.keep(name, '{"bans":[]}'),
    "one sealed for another name": async () => {
      await ours.keep("elsewhere", '{"bans":[]}');
      await bus.keepText(name, await bus.findText("elsewhere") ?? "", LONG);
    },
    "what is no list": () => ours.keep(name, '{"bans":1}'),
  };
  for (const [what, put] of Object.entries(ways)) {
    await t.step(what, async () => {
      await put();
      await one.bans.sync();
      assertEquals([one.values, one.changes], [["203.0.113.0/24"], 0]);
      // It is put right for the others.
      await using two = new Sharing(new MemoryBus(memory));
      await two.bans.sync();
      assertEquals(two.values, one.values);
    });
  }
});

Deno.test("Bans of other nodes hold where they cannot be kept, and the log says why", async () => {
  await using folder = await TempDir.make();
  const memory = new BusMemory();
  await using one = new Sharing(new MemoryBus(memory));
  await one.ban("203.0.113.0/24");
  await one.bans.sync();
  const denyList = await DenyList.open(await StateFolder.open(folder.path));
  await Deno.mkdir(`${folder.path}/bans.json/in the way`, { recursive: true });
  await using two = new Sharing(new MemoryBus(memory), denyList);
  await two.bans.sync();
  assertEquals(two.values, ["203.0.113.0/24"]);
  assertMatch(two.lines.join(""), /not kept.*cannot write .*bans\.json/);
});

/** A bus that knows the names of the texts that were kept on it. */
class MemoryBusWithNames extends MemoryBus {
  readonly kept = new Set<string>();

  override async keepText(name: string, text: string, lifetime: number): Promise<void> {
    this.kept.add(name);
    await super.keepText(name, text, lifetime);
  }
}

/** A node as far as its bans go. */
class Sharing implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly bans: SharedBans;
  /** Those that are told when more is on the bus. */
  others: readonly Sharing[] = [];
  told: Promise<unknown> = Promise.resolve();
  changes = 0;

  constructor(bus: Bus, readonly denyList = DenyList.inMemory()) {
    this.bans = new SharedBans({
      ...{ bus, denyList, secret: SECRET, domain: DOMAIN },
      onChange: () => this.changes++,
      onShared: () => {
        this.told = Promise.all(this.others.map(({ bans }) => bans.sync()));
      },
      log: new Log({ format: "text", level: "warn", write: (line) => this.lines.push(line) }),
    });
  }

  get values(): readonly string[] {
    return this.denyList.bans.map(({ value }) => value).sort();
  }

  async ban(value: string): Promise<void> {
    await this.denyList.add({ kind: "network", value, reason: "" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.told;
    await this.bans.close();
  }
}
