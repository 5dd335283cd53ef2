import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import type { Bus } from "../../../lib/server/bus/bus.ts";
import { MAX_LIFETIME } from "../../../lib/server/bus/bus_limits.ts";
import { claimName } from "../../testing/claim_name.ts";
import { BUS_PREFIX, openRedisBus, openRedisBuses } from "../../testing/redis_buses.ts";
import { eventually } from "../../testing/eventually.ts";
import { hasRedis, RedisServer } from "../../testing/redis_server.ts";
import { checkBus } from "./bus_contract.ts";

const ignore = !hasRedis;

/** Milliseconds of a lifetime that no test sees the end of. */
const LONG = 60_000;

Deno.test("RedisBus does what every bus must, over two connections", { ignore }, async (t) => {
  await using redis = await RedisServer.start();
  await checkBus(t, async () => {
    await redis.run(["FLUSHALL"]);
    return await openRedisBuses(redis.url);
  });
});

/** A server of another version than the one that is installed here, as a container beside the tests. */
const other = Deno.env.get("REDIS_URL");

Deno.test("RedisBus does what every bus must on the Redis at REDIS_URL", {
  ignore: other === undefined,
}, async (t) => {
  // It may be somebody's: a domain of its own for each check is as good as an empty server.
  await checkBus(t, () => openRedisBuses(other ?? "", `${crypto.randomUUID()}.example`));
});

Deno.test("RedisBus takes junk for nothing", { ignore }, async (t) => {
  await using redis = await RedisServer.start();
  await using bus = await openRedisBus(redis.url);
  const large = Buffer.alloc(10 * 1024 * 1024, "x");
  const KEYS = [
    ...["node:n1", "at:a.example", "ticket:t", "name:shop", "memory", "text:t", "lock:l"],
  ].map((key) => `${BUS_PREFIX}:${key}`);
  const written: Readonly<Record<string, (key: string) => (string | Buffer)[]>> = {
    "a list": (key) => ["RPUSH", key, "n1"],
    "a set": (key) => ["SADD", key, "n1"],
    "a hash": (key) => ["HSET", key, "n1", "1"],
    "a stream": (key) => ["XADD", key, "*", "n1", "1"],
    "a sorted set, ended": (key) => ["ZADD", key, "1", "n1"],
    "a sorted set without an end": (key) => ["ZADD", key, "+inf", "n1"],
    "a sorted set of other things": (key) => ["ZADD", key, `${Date.now() * 1000 + 6e7}`, "a\r\nb"],
    "a sorted set of 10 MB": (key) => ["ZADD", key, `${Date.now() * 1000 + 6e7}`, large],
    "a string of 10 MB": (key) => ["SET", key, large],
    "a string with line ends": (key) => ["SET", key, "n1\r\nSET x y\r\n"],
    "a string that is not UTF-8": (key) => ["SET", key, Buffer.of(0xff, 0xfe, 0)],
    "an empty string": (key) => ["SET", key, ""],
  };
  for (const [name, write] of Object.entries(written)) {
    await t.step(name, async () => {
      await redis.run(["FLUSHALL"], ...KEYS.map(write));
      assertEquals(await bus.findNode("n1"), null);
      assertEquals(await bus.locate("a.example"), []);
      // To a ticket there are few texts that could not be meant.
      const value = await bus.takeTicket("t");
      assert(name.includes("line ends") || name.includes("empty") || value === null);
      assertEquals(await bus.takeTicket("t"), null);
      assertEquals(await claimName(bus, "shop", "ann", LONG), "ann");
      const text = await bus.findText("t");
      assert(name.includes("line ends") || name.includes("empty") || text === null);
      assertEquals(await bus.lock("l", "one", LONG), true);
      await bus.withdraw("n2", ["a.example"]);

      await bus.announce("n2", ["a.example"], LONG);
      await bus.keepNode({ id: "n1", url: null }, LONG);
      await bus.putTicket("t", "value", LONG);
      await bus.keepText("t", "text", LONG);
      assertEquals(await bus.findText("t"), "text");
      assertEquals(await bus.lock("l", "other", LONG), false);
      assertEquals(await bus.locate("a.example"), ["n2"]);
      assertEquals(await bus.findNode("n1"), { id: "n1", url: null });
      assertEquals(await bus.takeTicket("t"), "value");
      assertEquals(await claimName(bus, "shop", "bob", LONG), "ann");
    });
  }
  await t.step("nothing was an outage, and whatever is left has an end", async () => {
    assertEquals(bus.isUp, true);
    const [keys] = await redis.run(["KEYS", "*"]);
    assert(Array.isArray(keys) && keys.length === 6);
    const ends = await redis.run(...keys.map((key) => ["PTTL", key]));
    const [longest = 0, ...others] = ends.map(Number).sort((a, b) => b - a);
    assert(others.every((end) => end > 0 && end <= LONG), `${ends}`);
    assert(longest <= MAX_LIFETIME, "what Redis knows of its own memory");
  });

  const records: readonly string[] = [
    "null",
    "[]",
    '"n1"',
    "{",
    "{}",
    '{"id":"n2","url":null}',
    '{"id":"n1"}',
    '{"id":"n1","url":1}',
    '{"id":"n1","url":""}',
    '{"id":"n1","url":"file:///etc/passwd"}',
    '{"id":"n1","url":"http://user:password@host"}',
    '{"id":"n1","url":"http://host/path"}',
    '{"id":"n1","url":"http://host\\r\\nX: y"}',
    `{"id":"n1","url":"http://${"h".repeat(1000)}"}`,
    `{"id":"n1","url":null,"more":"${"x".repeat(10_000)}"}`,
  ];
  await t.step("records of nodes that are none", async () => {
    for (const record of records) {
      await redis.run(["SET", `${BUS_PREFIX}:node:n1`, record]);
      assertEquals(await bus.findNode("n1"), null, record.slice(0, 100));
    }
    await redis.run(["SET", `${BUS_PREFIX}:node:n1`, '{"id":"n1","url":null,"later":1}']);
    assertEquals(await bus.findNode("n1"), { id: "n1", url: null });
  });
});

Deno.test(
  "RedisBus that came back empty gives a free name to those alone that hold it, until it has settled",
  {
    ignore,
  },
  async (t) => {
    await using redis = await RedisServer.start();
    await using pair = await openRedisBuses(redis.url);
    const { one, other } = pair;
    const ask = (bus: Bus, owner: string, isHeld: boolean, settling: number) =>
      bus.claimName({ name: "shop", owner, lifetime: LONG, isHeld, settling });
    const before = await ask(one, "ann", true, LONG);
    assertEquals(before.owner, "ann");
    const ways: Readonly<Record<string, () => Promise<unknown>>> = {
      "emptied": () => redis.run(["FLUSHALL"]),
      "started anew": async () => {
        await redis.kill();
        await eventually("the loss", () => !one.isUp && !other.isUp);
        await redis.start();
        await eventually("both to be up", () => one.isUp && other.isUp);
      },
      "started anew with an old state": async () => {
        const memory = `${BUS_PREFIX}:memory`;
        const [old] = await redis.run(["GET", memory]);
        await redis.kill();
        await redis.start();
        await redis.run(["SET", memory, String(old)]);
        await eventually("both to be up", () => one.isUp && other.isUp);
      },
    };
    for (const [name, forget] of Object.entries(ways)) {
      await t.step(name, async () => {
        const { memory } = await ask(one, "ann", true, LONG);
        await forget();
        const stranger = await ask(other, "bob", false, LONG);
        assertEquals(stranger.owner, null);
        assert(stranger.memory !== memory);
        const holder = await ask(one, "ann", true, LONG);
        assertEquals([holder.owner, holder.memory], ["ann", stranger.memory]);
        assertEquals((await ask(other, "bob", false, LONG)).owner, "ann");
        // Who has it there gets it on every node.
        assertEquals((await ask(other, "ann", false, LONG)).owner, "ann");
      });
    }
    await t.step("settled", async () => {
      await redis.run(["DEL", `${BUS_PREFIX}:name:shop`]);
      await eventually("the name to be given", async () => {
        return (await ask(other, "bob", false, 10)).owner === "bob";
      });
    });
  },
);

Deno.test("RedisBus keeps domains apart", { ignore }, async () => {
  await using redis = await RedisServer.start();
  await using one = await openRedisBus(redis.url);
  await using other = await openRedisBus(redis.url, "other.example");
  await claimName(one, "shop", "ann", LONG);
  assertEquals(await claimName(other, "shop", "bob", LONG), "bob");
  await one.receive("n1", () => {});
  assertEquals(await other.send("n1", new Uint8Array(1)), false);
});
