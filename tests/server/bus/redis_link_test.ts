import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { BusError } from "../../../lib/server/bus/bus.ts";
import { parseRedisUrl } from "../../../lib/server/bus/redis_address.ts";
import { RedisConnection } from "../../../lib/server/bus/redis_connection.ts";
import { RedisLink } from "../../../lib/server/bus/redis_link.ts";
import { claimName } from "../../testing/claim_name.ts";
import { eventually } from "../../testing/eventually.ts";
import { openRedisBus, openRedisBuses } from "../../testing/redis_buses.ts";
import { hasRedis, RedisServer } from "../../testing/redis_server.ts";
import { SeededRandom } from "../../testing/seeded_random.ts";
import { turn } from "../../testing/turn.ts";
import { within } from "../../testing/within.ts";

const ignore = !hasRedis;

/** Milliseconds of a lifetime that no test sees the end of. */
const LONG = 60_000;

Deno.test("RedisBus outlives a Redis that is killed", { ignore }, async (t) => {
  await using redis = await RedisServer.start();
  await using pair = await openRedisBuses(redis.url);
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
        await using pair = await openRedisBuses(redis.url);
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
      await using bus = await openRedisBus(redis.url);
      await redis.run(begin);
      await assertRejects(() => bus.keepNode({ id: "n1", url: null }, LONG), BusError, code);
      assertEquals(bus.isUp, false);
      await using late = await openRedisBus(redis.url);
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
    await using bus = await openRedisBus(redis.url);
    assertEquals(bus.isUp, false);
    assertMatch(bus.outage ?? "", /^Redis at 127\.0\.0\.1:\d+: nothing listens there$/);
    await assertRejects(() => bus.receive("n1", () => {}), BusError);
    await redis.start();
    await eventually("it to be up", () => bus.isUp);
    assert(await bus.send("n1", new Uint8Array(1)));
  },
);

for (
  const [what, said, reason] of [
    ["is a web server", "HTTP/1.1 400 Bad Request\r\n\r\n", /: what answers there is not Redis$/],
    ["lets nobody in", "-DENIED Redis is running in protected mode\r\n", /DENIED|protected-mode/],
  ] as const
) {
  Deno.test(`RedisConnection says in plain words that what answers ${what}`, async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const answering = (async () => {
      for await (const connection of listener) {
        // The program that is told so hangs up, at a moment of its own.
        await connection.write(new TextEncoder().encode(said)).catch(() => {});
        await connection.readable.pipeTo(new WritableStream()).catch(() => {});
      }
    })();
    const { port } = listener.addr;
    const connection = new RedisConnection(parseRedisUrl(`redis://127.0.0.1:${port}`));
    await assertRejects(() => connection.open(), BusError).then((error) => {
      assertMatch(error.message, reason);
    });
    await connection.close();
    listener.close();
    await answering;
  });
}

Deno.test("RedisBus can be closed while Redis does not answer", { ignore }, async () => {
  await using redis = await RedisServer.start();
  redis.freeze();
  const bus = await within(openRedisBus(redis.url), "the first attempt to end");
  assertEquals(bus.isUp, false);
  await bus.close();
  redis.thaw();
});

Deno.test(
  "RedisLink leaves nothing open, at whatever moment it is closed",
  { ignore },
  async () => {
    const random = new SeededRandom();
    await using redis = await RedisServer.start();
    for (const url of [redis.url, "redis://127.0.0.1:1"]) {
      for (let i = 0; i < 20; i++) {
        const link = new RedisLink(parseRedisUrl(url), ["PING"]);
        const receiving = link.receive("channel", () => {}).catch(() => {});
        for (let turns = random.integer(0, 30); turns > 0; turns--) await turn();
        await link.close();
        await receiving;
        assertEquals(link.isUp, false);
      }
    }
  },
);

Deno.test("RedisBus settles all that it was asked while Redis is killed again and again", {
  ignore,
}, async () => {
  const random = new SeededRandom();
  await using redis = await RedisServer.start();
  await using pair = await openRedisBuses(redis.url);
  const { one, other } = pair;
  let arrived = 0;
  await other.receive("n2", () => arrived++);
  for (let round = 0; round < 5; round++) {
    await eventually("both to be up", () => one.isUp && other.isUp);
    const before = arrived;
    let isDone = false;
    const asking = Array.from({ length: 8 }, async () => {
      while (!isDone) {
        const asked: readonly Promise<unknown>[] = [
          one.send("n2", random.bytes(random.integer(0, 100_000))),
          one.announce("n1", ["a.example", "b.example"], LONG),
          other.locate("a.example"),
          claimName(other, "shop", "ann", LONG),
        ];
        for (const result of await within(Promise.allSettled(asked), "every answer")) {
          if (result.status === "rejected") assertInstanceOf(result.reason, BusError);
        }
        await turn();
      }
    });
    await eventually("some messages", () => arrived > before);
    for (let turns = random.integer(0, 50); turns > 0; turns--) await turn();
    await redis.kill();
    await eventually("the loss to be noticed", () => !one.isUp && !other.isUp);
    await redis.start();
    isDone = true;
    await Promise.all(asking);
  }
  await eventually("both to be up", () => one.isUp && other.isUp);
});
