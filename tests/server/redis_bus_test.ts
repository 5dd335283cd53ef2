import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { BusError } from "../../lib/server/bus.ts";
import { RedisBus } from "../../lib/server/redis_bus.ts";
import { eventually } from "../testing/eventually.ts";
import { hasRedis, RedisServer } from "../testing/redis_server.ts";
import { within } from "../testing/within.ts";
import { type BusPair, checkBus } from "./bus_contract.ts";

const ignore = !hasRedis;

/** Milliseconds of a lifetime that no test sees the end of. */
const LONG = 60_000;

/** The beginning of every key and channel. */
const OWN = "tunnel:tunnel.example";

Deno.test("RedisBus does what every bus must, over two connections", { ignore }, async (t) => {
  await using redis = await RedisServer.start();
  await checkBus(t, async () => {
    await redis.run(["FLUSHALL"]);
    return await openPair(redis.url);
  });
});

Deno.test("RedisBus outlives a Redis that is killed", { ignore }, async (t) => {
  await using redis = await RedisServer.start();
  await using pair = await openPair(redis.url);
  const { one, other } = pair;
  const changes: boolean[] = [];
  one.onChange((isUp) => changes.push(isUp));
  const arrived: number[] = [];
  await one.receive("n1", ([first = -1]) => arrived.push(first));
  await one.announce("n1", ["a.example"], LONG);

  await t.step("what is asked in that moment is rejected, and all that follows", async () => {
    const asked = Array.from({ length: 20 }, () => one.locate("a.example"));
    // Whatever is answered before is right as well.
    const settled = Promise.allSettled(asked);
    await redis.kill();
    await within(settled, "all answers");
    await eventually("the loss to be noticed", () => !one.isUp && !other.isUp);
    assertMatch(one.outage ?? "", /^Redis at 127\.0\.0\.1:\d+: /);
    assertEquals(changes, [false]);
    await assertRejects(() => one.locate("a.example"), BusError);
    await assertRejects(() => one.send("n1", new Uint8Array(1)), BusError);
  });

  await t.step("what is to be received is kept in mind", async () => {
    await assertRejects(() => one.receive("n9", ([first = -1]) => arrived.push(first)), BusError);
  });

  await t.step("it is up again by itself, and receives", async () => {
    await redis.start();
    await eventually("both to be up again", () => one.isUp && other.isUp);
    assertEquals([one.outage, changes], [null, [false, true]]);
    assertEquals(await other.locate("a.example"), []);
    assert(await other.send("n1", Uint8Array.of(1)));
    assert(await other.send("n9", Uint8Array.of(9)));
    await eventually("the messages", () => arrived.length >= 2);
    assertEquals(arrived, [1, 9]);
  });
});

Deno.test(
  "RedisBus gives up on a Redis that does not answer, and finds it again",
  { ignore },
  async (t) => {
    await using redis = await RedisServer.start();
    const faults: Readonly<Record<string, () => Promise<() => void>>> = {
      "the process stands still": () => {
        redis.freeze();
        return Promise.resolve(() => redis.thaw());
      },
      "CLIENT PAUSE": async () => {
        await redis.run(["CLIENT", "PAUSE", "5000", "ALL"]);
        return () => {};
      },
    };
    for (const [name, begin] of Object.entries(faults)) {
      await t.step(name, async () => {
        await using pair = await openPair(redis.url);
        const { one, other } = pair;
        const arrived: number[] = [];
        await other.receive("n2", ([first = -1]) => arrived.push(first));
        const end = await begin();
        const asking = assertRejects(() => one.findNode("n1"), BusError, "no answer for 2000 ms");
        await within(asking, "the rejection");
        assertEquals(one.isUp, false);
        await assertRejects(() => one.findNode("n1"), BusError);
        // Nothing was asked here.
        await eventually("the other to notice", () => !other.isUp);
        end();
        await eventually("both to be up again", () => one.isUp && other.isUp);
        assertEquals(await one.findNode("n1"), null);
        assert(await one.send("n2", Uint8Array.of(2)));
        await eventually("the message", () => arrived.length > 0);
      });
    }
  },
);

Deno.test("RedisBus is away while Redis cannot write", { ignore }, async (t) => {
  await using redis = await RedisServer.start();
  const faults: readonly (readonly [name: string, begin: string[], end: string[]])[] = [
    ["READONLY", ["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]],
    ["OOM", ["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"]],
  ];
  for (const [code, begin, end] of faults) {
    await t.step(code, async () => {
      await using bus = disposable(await connect(redis.url));
      await redis.run(begin);
      await assertRejects(() => bus.keepNode({ id: "n1", url: null }, LONG), BusError, code);
      assertEquals(bus.isUp, false);
      await using late = disposable(await connect(redis.url));
      assertEquals(late.isUp, false);
      assertMatch(late.outage ?? "", new RegExp(code));
      await redis.run(end);
      await eventually("it to be up again", () => bus.isUp && late.isUp);
      await bus.keepNode({ id: "n1", url: null }, LONG);
    });
  }
});

Deno.test(
  "RedisBus comes up when a Redis that was away at its start appears",
  { ignore },
  async () => {
    await using redis = await RedisServer.start();
    await redis.kill();
    await using bus = disposable(await connect(redis.url));
    assertEquals(bus.isUp, false);
    assertMatch(bus.outage ?? "", /ECONNREFUSED/);
    await assertRejects(() => bus.receive("n1", () => {}), BusError);
    await redis.start();
    await eventually("it to be up", () => bus.isUp);
    assert(await bus.send("n1", new Uint8Array(1)));
  },
);

Deno.test("RedisBus ends its connections while they are being made", { ignore }, async () => {
  await using redis = await RedisServer.start();
  redis.freeze();
  const connecting = connect(redis.url);
  const bus = await within(connecting, "the first attempt to end");
  assertEquals(bus.isUp, false);
  await bus.close();
  redis.thaw();
});

Deno.test("RedisBus takes junk for nothing", { ignore }, async (t) => {
  await using redis = await RedisServer.start();
  await using bus = disposable(await connect(redis.url));
  const large = Buffer.alloc(10 * 1024 * 1024, "x");
  const KEYS = ["node:n1", "at:a.example", "ticket:t", "name:shop"].map((key) => `${OWN}:${key}`);
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
      await redis.run(["SET", `${OWN}:node:n1`, record]);
      assertEquals(await bus.findNode("n1"), null, record.slice(0, 100));
    }
    await redis.run(["SET", `${OWN}:node:n1`, '{"id":"n1","url":null,"later":1}']);
    assertEquals(await bus.findNode("n1"), { id: "n1", url: null });
  });
});

Deno.test("RedisBus keeps domains apart", { ignore }, async () => {
  await using redis = await RedisServer.start();
  await using one = disposable(await connect(redis.url));
  await using other = disposable(await RedisBus.connect(redis.url, { domain: "other.example" }));
  await one.claimName("shop", "ann", LONG);
  assertEquals(await other.claimName("shop", "bob", LONG), "bob");
  await one.receive("n1", () => {});
  assertEquals(await other.send("n1", new Uint8Array(1)), false);
});

Deno.test(
  "RedisBus signs in, chooses a database, and never tells the password",
  { ignore },
  async (t) => {
    const PASSWORD = "p@ss word/✓";
    const args = [
      "--requirepass",
      PASSWORD,
      "--user",
      "ann",
      "on",
      `>${PASSWORD}`,
      "~*",
      "&*",
      "+@all",
    ];
    await using redis = await RedisServer.start({ args });
    const at = `127.0.0.1:${redis.port}`;
    const secret = encodeURIComponent(PASSWORD);
    for (const user of ["", "ann"]) {
      await t.step(user === "" ? "by the password alone" : "by name and password", async () => {
        await using bus = disposable(await connect(`redis://${user}:${secret}@${at}/3`));
        assertEquals([bus.isUp, bus.outage], [true, null]);
        await bus.keepNode({ id: "n1", url: null }, LONG);
      });
    }
    for (const credentials of [`bob:${secret}@`, `:wrong${secret}@`, ""]) {
      await t.step(`not by ${credentials.length} other characters`, async () => {
        await using bus = disposable(await connect(`redis://${credentials}${at}`));
        assertEquals(bus.isUp, false);
        assertMatch(bus.outage ?? "", /WRONGPASS|NOAUTH/);
        const error = await assertRejects(() => bus.findNode("n1"), BusError);
        const told = `${bus.outage} ${Deno.inspect(error)} ${Deno.inspect(bus, { depth: 9 })}`;
        assert(!told.includes(PASSWORD) && !told.includes(secret), told);
      });
    }
  },
);

Deno.test("RedisBus takes a password out of what a server quotes", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const peers: Deno.Conn[] = [];
  const answering = (async () => {
    for await (const peer of listener) {
      peers.push(peer);
      await peer.read(new Uint8Array(1000));
      const error = "-ERR unknown command `HELLO`, with args: `3` `AUTH` `ann` `secret`\r\n";
      await peer.write(new TextEncoder().encode(error));
    }
  })();
  const bus = await connect(`redis://ann:secret@127.0.0.1:${listener.addr.port}`);
  assertMatch(bus.outage ?? "", /unknown command/);
  assert(!bus.outage?.includes("secret"));
  await bus.close();
  listener.close();
  await answering.catch(() => {});
  for (const peer of peers) peer.close();
});

Deno.test("RedisBus refuses an address that is none, without repeating it", async () => {
  const wrong = [
    "memory",
    "http://host",
    "redis://",
    "redis://user:secret@",
    "redis://user:secret@host/one",
    "redis://user:secret@host/1?x=y",
    "redis://user:%secret@host",
    "redis://user:secret@host:99999",
  ];
  for (const url of wrong) {
    const error = await assertRejects(() => connect(url), RangeError);
    assert(!error.message.includes("secret"), error.message);
  }
});

async function openPair(url: string): Promise<BusPair> {
  const [one, other] = [await connect(url), await connect(url)];
  return {
    one,
    other,
    async [Symbol.asyncDispose]() {
      await one.close();
      await other.close();
    },
  };
}

function connect(url: string): Promise<RedisBus> {
  return RedisBus.connect(url, { domain: "tunnel.example" });
}

function disposable(bus: RedisBus): RedisBus & AsyncDisposable {
  return Object.assign(bus, { [Symbol.asyncDispose]: () => bus.close() });
}
