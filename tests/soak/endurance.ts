import { Program } from "../testing/program.ts";
import { Link } from "../testing/link.ts";
import { scrape } from "../testing/prometheus.ts";
import { Subscriber } from "../testing/subscriber.ts";
import { startThrough, startTunnel, Tunnel } from "../testing/tunnel.ts";
import {
  type Family,
  inSeconds,
  judged,
  lasting,
  type Outcome,
  type SoakContext,
} from "./fault.ts";
import { Hour } from "./hour.ts";
import type { VisitKind } from "./marked_load.ts";
import { MarkedOrigin } from "./marked_origin.ts";
import { untilHolds } from "./recovery.ts";
import { RestingState } from "./resting_state.ts";

/** The part of the time that a tunnel gets to become warm: code is compiled, and memory is taken that stays. */
const WARMING = 1 / 3;

/** Seconds for which clients come and go, twice: as many linger at the end of each as ever will. */
const CHURNING = 45;

/**
 * Lets V8 collect everything at each occasion. Left to itself it lets garbage grow by some 60 MB before it looks, as
 * after thousands of registrations, and that would hide what is held or pass for it.
 */
const COLLECTING = { DENO_V8_FLAGS: "--gc-global,--max-semi-space-size=1" };

/** Registrations a second. */
const CHURN_RATE = 20;

/** Seconds for which Deno's WebSocket lives on after an end without a close, until half its idle timeout has run out. */
const LINGERING = 35;

/** What is only seen in the long run. */
export const endurance: Family = {
  atOnce: false,
  faults: [
    {
      id: "F21",
      name: "an hour's traffic in ten minutes",
      how:
        "30,000 requests (24,000 of 1 kB, 3,000 uploads of 64 KiB, 1,500 downloads of 1 MB, 1,500 event streams), 1,200 WebSockets of 20 messages, 1,800 visitors that leave early, 60 losses of a client's connections; of these what fits into --minutes; V8 collects whenever it can",
      target:
        "0 failures; memory of each program within 10 % of that once warm; streams, tunnels, connections, descriptors and resumes as then",
      run: underLoad,
    },
    {
      id: "F22",
      name: "leaks by reconnecting",
      how: `${CHURN_RATE} clients a second register and are gone; V8 collects whenever it can`,
      target: "memory within 10 % of that once warm, no tunnel left over, descriptors of before",
      run: churn,
    },
  ],
};

async function underLoad(context: SoakContext): Promise<Outcome> {
  await using origin = MarkedOrigin.start();
  await using server = await startCollecting("server.ts", [
    ...["--hostname", "127.0.0.1", "--port", "0"],
  ]);
  await using client = await startCollecting("client.ts", [
    ...["--server", server.url.origin, "--host", "127.0.0.1", "--port", `${origin.port}`],
    // What the inspector may keep is full once all is warm, in however short a time: it would pass for a leak.
    ...["--inspect-memory", "4mib"],
  ]);
  await using tunnel = new Tunnel(server, client, new AsyncDisposableStack());
  await using link = Link.start(Number(tunnel.server.url.port));
  await using unsteady = await startThrough(link, tunnel.server, origin);
  const options = { origin, tunnel, unsteady, link };
  const programs = [tunnel.server, tunnel.client, unsteady.client] as const;
  const run = async (part: number) => {
    await using hour = new Hour(context, options);
    await lasting(context.minutes * 60 * part);
    const report = await hour.stop();
    await lasting(LINGERING);
    return report;
  };
  const warming = await run(WARMING);
  const before = await RestingState.of(...programs);
  const { visits, reconnects, slowestReconnect } = await run(1 - WARMING);
  const after = await RestingState.of(...programs);
  const failed = warming.visits.failed + visits.failed;
  const count = warming.visits.count + visits.count;
  const ofKind = (kind: VisitKind) => warming.visits.ofKind(kind).count + visits.ofKind(kind).count;
  return judged(
    failed === 0 && after.isLike(before),
    `${count} visits (${ofKind("socket")} WebSockets, ${
      ofKind("leaver")
    } left early), ${failed} failed${failed > 0 ? `: ${warming.visits}; ${visits}` : ""}; ${
      warming.reconnects + reconnects
    } times connected anew, in ${
      inSeconds(Math.max(slowestReconnect, warming.slowestReconnect))
    } at most; ${before} before; ${after} after`,
  );
}

async function churn(): Promise<Outcome> {
  await using origin = MarkedOrigin.start();
  await using server = await startCollecting("server.ts", [
    ...["--hostname", "127.0.0.1", "--port", "0"],
    ...["--registration-rate", "1000000/s", "--log-level", "warn"],
  ]);
  await using tunnel = await startTunnel({ origin, server });
  let count = await reconnect(tunnel.server, CHURNING);
  await lasting(LINGERING);
  const before = await RestingState.of(tunnel.server, tunnel.client);
  count += await reconnect(tunnel.server, CHURNING);
  await untilHolds("the tunnels to be gone", async () => {
    return (await scrape(tunnel.server)).value("tunnel_tunnels") === 1;
  });
  await lasting(LINGERING);
  const after = await RestingState.of(tunnel.server, tunnel.client);
  return judged(after.isLike(before), `${count} registrations; ${before} before; ${after} after`);
}

function startCollecting(script: "server.ts" | "client.ts", args: string[]): Promise<Program> {
  return Program.start(script, args, { env: COLLECTING });
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
