import { printLine } from "../../lib/cli/program.ts";
import { Program } from "../testing/program.ts";
import { hasRedis, RedisServer } from "../testing/redis_server.ts";
import { startTunnel } from "../testing/tunnel.ts";
import {
  elsewhere,
  type Family,
  inSeconds,
  judged,
  lasting,
  leftOut,
  type Outcome,
  type SoakContext,
} from "./fault.ts";
import type { MarkedLoad } from "./marked_load.ts";
import { MarkedOrigin } from "./marked_origin.ts";
import { untilHolds } from "./recovery.ts";

/** Seconds that Redis is away. */
const AWAY = 10;

/** Milliseconds that Redis is paused. */
const PAUSED = 5_000;

/** Two nodes that know of each other through Redis alone. */
export const nodes: Family = {
  atOnce: false,
  faults: [
    {
      id: "F06",
      name: "Redis killed",
      how: `kill -9, started again after ${AWAY} s; nodes linked by the bus alone`,
      target:
        "0 failures at the node that has the client; the other answers 502 in 5 s (the list asks 503 in 1 s), and 200 again in 10 s",
      run: (context) => ifRedis(() => redisKilled(context)),
    },
    {
      id: "F07",
      name: "Redis slow",
      how: `CLIENT PAUSE ${PAUSED}`,
      target:
        "0 failures at the node that has the client, p99 at most twice what it was, and 20 ms",
      run: (context) => ifRedis(() => redisPaused(context)),
    },
    elsewhere(
      "F10",
      "partition of node and node, of node and Redis",
      "tests/server/cluster_failures_test.ts",
      "one owner of a host once it heals",
    ),
  ],
};

async function ifRedis(run: () => Promise<Outcome>): Promise<Outcome> {
  return hasRedis ? await run() : leftOut("redis-server is not installed");
}

async function redisKilled(context: SoakContext): Promise<Outcome> {
  await using pair = await Pair.start(context);
  const { redis, local, remote } = pair;
  await lasting(4);
  const killed = performance.now();
  await redis.kill();
  await lasting(AWAY);
  await redis.start();
  const back = performance.now();
  const goods = () => remote.visits.between(back).of("right").count;
  const works = await untilHolds("a request at the other node", () => goods() > 0, back)
    .catch(() => Infinity);
  if (works === Infinity) printLine(pair.log);
  await lasting(3);
  const [own, others] = await Promise.all([local.stop(), remote.stop()]);
  const away = others.between(killed + 1_000, back);
  return judged(
    own.failed === 0 && works <= 10_000,
    `at its own node ${own}; at the other, while Redis was away, ${away}, p50 ${
      inSeconds(away.percentile(0.5))
    }; works again after ${inSeconds(works)}`,
  );
}

async function redisPaused(context: SoakContext): Promise<Outcome> {
  await using pair = await Pair.start(context);
  const { redis, local, remote } = pair;
  await lasting(6);
  const paused = performance.now();
  await redis.run(["CLIENT", "PAUSE", `${PAUSED}`]);
  await lasting(PAUSED / 1000);
  const resumed = performance.now();
  await lasting(6);
  const [own, others] = await Promise.all([local.stop(), remote.stop()]);
  const before = own.between(0, paused).ofKind("small").percentile(0.99);
  const during = own.between(paused, resumed).ofKind("small").percentile(0.99);
  return judged(
    own.failed === 0 && during <= before * 2 + 20,
    `p99 ${Math.round(during)} ms, before ${
      Math.round(before)
    } ms; ${own}; at the other node ${others}`,
  );
}

/** Two nodes, a client at the second, and a load at each. */
class Pair implements AsyncDisposable {
  readonly #nodes: readonly Program[];
  readonly #owned: AsyncDisposableStack;

  private constructor(
    readonly redis: RedisServer,
    readonly local: MarkedLoad,
    readonly remote: MarkedLoad,
    nodes: readonly Program[],
    owned: AsyncDisposableStack,
  ) {
    this.#nodes = nodes;
    this.#owned = owned;
  }

  static async start(context: SoakContext): Promise<Pair> {
    await using started = new AsyncDisposableStack();
    const redis = started.use(await RedisServer.start());
    const origin = started.use(MarkedOrigin.start());
    const near = started.use(await startNode(redis));
    const far = started.use(await startNode(redis));
    const { host } = started.use(await startTunnel({ origin, server: far }));
    const options = { rate: context.rate / 2, host, origin };
    const local = started.use(context.load({ ...options, port: Number(far.url.port) }));
    const remote = started.use(context.load({ ...options, port: Number(near.url.port) }));
    return new Pair(redis, local, remote, [near, far], started.move());
  }

  /** What the nodes have said last. */
  get log(): string {
    return this.#nodes.flatMap(({ stderr }) => stderr.all.slice(-10)).join(" ");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

function startNode(redis: RedisServer): Promise<Program> {
  return Program.start("server.ts", [
    ...["--hostname", "127.0.0.1", "--port", "0", "--bus", redis.url],
  ]);
}
