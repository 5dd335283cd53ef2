import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { BUS_PREFIX, openRedisBus, openRedisBuses } from "../../testing/redis_buses.ts";
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
  const KEYS = ["node:n1", "at:a.example", "ticket:t", "name:shop"].map((key) =>
    `${BUS_PREFIX}:${key}`
  );
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
      assertEquals(await bus.claimName("shop", "ann", LONG), "ann");
      await bus.withdraw("n2", ["a.example"]);

      await bus.announce("n2", ["a.example"], LONG);
      await bus.keepNode({ id: "n1", url: null }, LONG);
      await bus.putTicket("t", "value", LONG);
      assertEquals(await bus.locate("a.example"), ["n2"]);
      assertEquals(await bus.findNode("n1"), { id: "n1", url: null });
      assertEquals(await bus.takeTicket("t"), "value");
      assertEquals(await bus.claimName("shop", "bob", LONG), "ann");
    });
  }
  await t.step("nothing was an outage, and whatever is left has an end", async () => {
    assertEquals(bus.isUp, true);
    const [keys] = await redis.run(["KEYS", "*"]);
    assert(Array.isArray(keys) && keys.length === 3);
    const ends = await redis.run(...keys.map((key) => ["PTTL", key]));
    assert(ends.every((end) => Number(end) > 0 && Number(end) <= LONG), `${ends}`);
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

Deno.test("RedisBus keeps domains apart", { ignore }, async () => {
  await using redis = await RedisServer.start();
  await using one = await openRedisBus(redis.url);
  await using other = await openRedisBus(redis.url, "other.example");
  await one.claimName("shop", "ann", LONG);
  assertEquals(await other.claimName("shop", "bob", LONG), "bob");
  await one.receive("n1", () => {});
  assertEquals(await other.send("n1", new Uint8Array(1)), false);
});
