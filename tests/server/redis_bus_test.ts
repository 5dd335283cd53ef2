import { RedisBus } from "../../lib/server/redis_bus.ts";
import { hasRedis, RedisServer } from "../testing/redis_server.ts";
import { type BusPair, checkBus } from "./bus_contract.ts";

const ignore = !hasRedis;

Deno.test("RedisBus does what every bus must, over two connections", { ignore }, async (t) => {
  await using redis = await RedisServer.start();
  await checkBus(t, async () => {
    await redis.run(["FLUSHALL"]);
    return await openPair(redis.url);
  });
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
