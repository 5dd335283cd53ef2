import type { Program } from "../testing/program.ts";
import { scrape } from "../testing/prometheus.ts";
import { Subscriber } from "../testing/subscriber.ts";
import { startTunnel, type Tunnel } from "../testing/tunnel.ts";
import { type Family, judged, lasting, type Outcome, type SoakContext } from "./fault.ts";
import { MarkedOrigin } from "./marked_origin.ts";
import { descriptors, inMegabytes, restingMemory, streams } from "./process_state.ts";
import { untilHolds } from "./recovery.ts";

/** The part of the time that a tunnel gets to become warm: code is compiled, and memory is taken that stays. */
const WARMING = 1 / 3;

/** The part of the time that reconnecting gets, twice, beside the load's. */
const CHURNING = 1 / 4;

/** What memory may have become, beside what it was once warm. */
const MAX_GROWTH = 1.1;

/** Registrations a second. */
const CHURN_RATE = 20;

/** Seconds for which Deno's WebSocket lives on after an end without a close, until half its idle timeout has run out. */
const LINGERING = 35;

/** Descriptors that may come and go: a connection to the origin that is kept for the next request, a scrape. */
const SPARE_DESCRIPTORS = 4;

/** What is only seen in the long run. */
export const endurance: Family = {
  atOnce: false,
  faults: [
    {
      id: "F21",
      name: "leaks under load",
      how: "uploads, downloads, events and small requests for as long as --seconds",
      target: "memory within 10 % of that once warm, 0 streams, descriptors of before, 0 failures",
      run: underLoad,
    },
    {
      id: "F22",
      name: "leaks by reconnecting",
      how: `${CHURN_RATE} clients a second register and are gone`,
      target: "memory within 10 % of that once warm, no tunnel left over, descriptors of before",
      run: churn,
    },
  ],
};

async function underLoad(context: SoakContext): Promise<Outcome> {
  await using origin = MarkedOrigin.start();
  await using tunnel = await startTunnel({ origin });
  const options = { port: Number(tunnel.server.url.port), host: tunnel.host, origin };
  const run = async (seconds: number) => {
    await using load = context.load(options);
    await lasting(seconds);
    return await load.stop();
  };
  const warming = await run(context.seconds * WARMING);
  const before = await State.of(tunnel);
  const visits = await run(context.seconds * (1 - WARMING));
  const after = await State.of(tunnel);
  const failed = warming.failed + visits.failed;
  return judged(
    failed === 0 && after.isLike(before),
    `${warming.count + visits.count} requests, ${failed} failed; ${before} before, ${after} after`,
  );
}

async function churn(context: SoakContext): Promise<Outcome> {
  await using origin = MarkedOrigin.start();
  const serverArgs = ["--registration-rate", "1000000/s", "--log-level", "warn"];
  await using tunnel = await startTunnel({ origin, serverArgs });
  // Only then are as many lingering as ever will be.
  const seconds = Math.max(LINGERING + 10, context.seconds * CHURNING);
  let count = await reconnect(tunnel.server, seconds);
  await lasting(LINGERING);
  const before = await State.of(tunnel);
  count += await reconnect(tunnel.server, seconds);
  await untilHolds("the tunnels to be gone", async () => {
    return (await scrape(tunnel.server)).value("tunnel_tunnels") === 1;
  });
  await lasting(LINGERING);
  const after = await State.of(tunnel);
  return judged(
    after.isLike(before),
    `${count} registrations; ${before} before, ${after} after`,
  );
}

/** Registers clients and lets them vanish; returns how many. */
async function reconnect(server: Program, seconds: number): Promise<number> {
  const began = performance.now();
  let count = 0;
  while (performance.now() - began < seconds * 1000) {
    using _gone = await Subscriber.register(server);
    count++;
    const due = began + count * 1000 / CHURN_RATE;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
  }
  return count;
}

/** What a tunnel holds while nobody visits it. */
class State {
  private constructor(
    readonly memory: { readonly server: number; readonly client: number },
    readonly descriptors: number,
  ) {}

  /** Resolves once there is no stream left. */
  static async of({ server, client }: Tunnel): Promise<State> {
    await untilHolds("no streams", async () => await streams(server) === 0);
    // Connections to the origin that nobody uses are closed after some seconds.
    await lasting(5);
    const open = await descriptors(server) + await descriptors(client);
    const memory = { server: await restingMemory(server), client: await restingMemory(client) };
    return new State(memory, open);
  }

  isLike(before: State): boolean {
    return this.memory.server <= before.memory.server * MAX_GROWTH &&
      this.memory.client <= before.memory.client * MAX_GROWTH &&
      this.descriptors <= before.descriptors + SPARE_DESCRIPTORS;
  }

  toString(): string {
    const { server, client } = this.memory;
    return `${inMegabytes(server)} + ${
      inMegabytes(client)
    }, ${this.descriptors} descriptors, 0 streams`;
  }
}
