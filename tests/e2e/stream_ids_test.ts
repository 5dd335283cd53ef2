import { assertEquals, assertGreater } from "@std/assert";
import type { StreamIds } from "../../lib/mux/stream_table.ts";
import { BusMemory, MemoryBus } from "../../lib/server/bus/memory_bus.ts";
import { eventually } from "../testing/eventually.ts";
import { LongVisits } from "../testing/long_visits.ts";
import { SampleOrigin } from "../testing/sample_origin.ts";
import { SteadyLoad } from "../testing/steady_load.ts";
import { TestClient, TestNode } from "../testing/test_node.ts";

/** Requests a second, and in all. */
const RATE = 500;
const REQUESTS = 3_000;

/** Connections that a client has by default. */
const CONNECTIONS = 2;

/** Streams that a session carries before another is asked for. */
const STREAMS = 150;

/** More ids than are needed until another session is there, however slow the machine is. */
const AMPLE: StreamIds = { last: 1_000_000, margin: 1_000_000 - STREAMS };

/** As many as may be too few, when the machine is slow. */
const SCARCE: StreamIds = { last: 200, margin: 200 - STREAMS };

for (
  const [when, streamIds] of [
    ["with time to open another", AMPLE],
    ["with little time for that", SCARCE],
    // Each ends in the moment in which its client hears of it.
    ["without any warning", { last: STREAMS, margin: 0 }],
  ] as const
) {
  Deno.test(`Sessions run out of stream ids under load, ${when}, and no request fails`, async () => {
    await using story = await Story.start(1, streamIds);
    const [node] = story.nodes;
    await story.carry(REQUESTS);
    const registered = node?.lines.filter((line) => line.includes("client registered")).length ?? 0;
    assertGreater(registered, 3 * CONNECTIONS, "each was replaced again and again");
    if (streamIds === AMPLE) assertEquals(story.losses, [], "the client always had a connection");
    await eventually(
      "the old sessions to be closed",
      async () => await node?.metric("tunnel_connections") === CONNECTIONS,
    );
  });
}

for (const isDirect of [true, false]) {
  const way = isDirect ? "that are direct" : "over the bus";
  Deno.test(`Links between nodes ${way} run out of stream ids under load, and no request fails`, async () => {
    await using story = await Story.start(2, SCARCE, isDirect);
    await story.carry(REQUESTS);
    const [, near] = story.nodes;
    const linked = near?.lines.filter((line) => line.includes("another node is linked")).length;
    assertGreater(linked ?? 0, 3, "it was replaced again and again");
    await eventually("the old links to be closed", async () => await linksOf(near) <= 2);
  });
}

for (const nodes of [1, 2]) {
  const where = nodes === 1 ? "a session" : "a link between nodes";
  Deno.test(`What is under way when ${where} runs out of stream ids goes on to its end`, async () => {
    await using story = await Story.start(nodes, AMPLE, false, [
      ...["--connections", "1"],
    ]);
    await using long = LongVisits.start({ port: story.port, host: story.client.host });
    // Enough for the first session to give way to another, and that to a third.
    await story.carry(2 * STREAMS + 50);
    await long.finish();
    assertEquals(story.losses, []);
  });
}

Deno.test("A client that is to leave with its first connection says that the connection is used up", async () => {
  await using story = await Story.start(1, { last: 20, margin: 5 }, false, [
    ...["--once", "--connections", "1"],
  ]);
  const [node] = story.nodes;
  for (let request = 1; request <= 15; request++) {
    assertEquals((await node?.get(story.client.host))?.status, 200);
  }
  const usedUp = "this connection has carried as many requests as it can";
  await eventually("the client to tell", () => story.leavings.length === 1);
  assertEquals([story.leavings, story.losses], [[usedUp], []], "it still serves");
  for (let request = 16; request <= 20; request++) {
    assertEquals((await node?.get(story.client.host))?.status, 200);
  }
  await eventually("the end", () => story.losses.length === 1);
  assertEquals([story.leavings, story.losses], [[usedUp], [usedUp]]);
});

/** A client at the first of some nodes, and visitors at the last. */
class Story implements AsyncDisposable {
  /** Why the client was without a connection, each time. */
  readonly losses: string[];
  /** Why the client was told to leave, each time. */
  readonly leavings: string[];
  readonly nodes: readonly TestNode[];
  readonly client: TestClient;
  readonly #owned: AsyncDisposableStack;

  private constructor(
    nodes: readonly TestNode[],
    client: TestClient,
    { losses, leavings }: Pick<Story, "losses" | "leavings">,
    owned: AsyncDisposableStack,
  ) {
    this.nodes = nodes;
    this.client = client;
    this.losses = losses;
    this.leavings = leavings;
    this.#owned = owned;
  }

  static async start(
    count: number,
    streamIds: StreamIds,
    isDirect = false,
    args: readonly string[] = [],
  ): Promise<Story> {
    await using owned = new AsyncDisposableStack();
    const origin = owned.use(SampleOrigin.start());
    const memory = new BusMemory();
    const nodes = Array.from({ length: count }, () =>
      owned.use(TestNode.start({
        bus: new MemoryBus(memory),
        isDirect,
        streamIds,
        args: ["--registration-rate", "1000/s"],
      })));
    const losses: string[] = [];
    const leavings: string[] = [];
    const client = owned.use(
      await TestClient.connect(nodes.slice(0, 1), {
        origin,
        args,
        onLeaving: (_server, reason) => leavings.push(reason),
        onOffline: (_server, reason) => losses.push(reason),
      }),
    );
    return new Story(nodes, client, { losses, leavings }, owned.move());
  }

  /** The port at which visitors come. */
  get port(): number {
    return this.nodes.at(-1)?.port ?? 0;
  }

  /** Has so many requests answered, none of which may fail. */
  async carry(requests: number): Promise<void> {
    await using load = SteadyLoad.start({
      port: () => this.port,
      host: this.client.host,
      rate: RATE,
      expected: "It works",
    });
    await eventually("the requests to be made", () => load.made >= requests);
    const report = await load.stop();
    assertEquals(report.failed, 0, JSON.stringify(report));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

async function linksOf(node: TestNode | undefined): Promise<number> {
  const ways = ["direct", "bus"].map((way) => node?.metric(`tunnel_node_links_${way}`));
  const [direct = 0, overBus = 0] = await Promise.all(ways);
  return direct + overBus;
}
