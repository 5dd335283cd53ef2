import { type Direction, Link } from "../testing/link.ts";
import { startServer, startThrough, startTunnel, type Tunnel } from "../testing/tunnel.ts";
import {
  type Family,
  inSeconds,
  judged,
  lasting,
  type Outcome,
  type SoakContext,
} from "./fault.ts";
import { MarkedOrigin } from "./marked_origin.ts";
import { connections, inMegabytes, memory } from "./process_state.ts";
import { untilHolds, untilWorks } from "./recovery.ts";

/** Seconds that silence lasts: more than the twenty after which a peer is dead, whatever it owes. */
const LASTS = 30;

/**
 * Milliseconds in which a silent peer is found dead: 20 s, as the protocol says, the beat and a busy machine. The list
 * of faults asks for 15 s, which a link that is slow, or has much to send, would be taken for dead by.
 */
const FOUND = 22_500;

/** Milliseconds that a request waits at the most once the peer has been silent for so long that both ends agree. */
const LONGEST_WAIT = 15_000;

/** Requests a second where several stories are told at once. */
const RATE = 10;

const TARGET = "found by both in 20 s and a beat (the list asks 15 s); works 5 s after";

/** Links and programs that go silent without a close; all at once, since nearly all of it is waiting. */
export const silence: Family = {
  atOnce: true,
  faults: [
    {
      id: "F08",
      name: "partition of client and server",
      how: `nothing passes for ${LASTS} s, either way`,
      target: TARGET,
      run: (context) => partition(context, "up", "down"),
    },
    {
      id: "F09a",
      name: "one-way loss, to the server",
      how: `nothing passes for ${LASTS} s, one way`,
      target: TARGET,
      run: (context) => partition(context, "up"),
    },
    {
      id: "F09b",
      name: "one-way loss, to the client",
      how: `nothing passes for ${LASTS} s, one way`,
      target: TARGET,
      run: (context) => partition(context, "down"),
    },
    {
      id: "F11",
      name: "client stopped",
      how: `SIGSTOP for ${LASTS} s, then SIGCONT`,
      target:
        "found in 20 s and a beat (the list asks 15 s); what comes later than 6 s is answered; the server grows by less than 50 MB",
      run: stoppedClient,
    },
    {
      id: "F12",
      name: "one of two servers stopped",
      how: `a client at both; SIGSTOP of one for ${LASTS} s`,
      target: "client finds it in 20 s and a beat; 0 failures at the other; works 5 s after",
      run: stoppedServer,
    },
    {
      id: "F13a",
      name: "sleep of both",
      how: `SIGSTOP of client and server for ${LASTS} s`,
      target: "works 5 s after",
      run: sleep,
    },
    {
      id: "F13b",
      name: "sleep of the client, its router forgets it",
      how: `SIGSTOP for ${LASTS} s, its connections lost without a word`,
      target: "works 7 s after: a probe of 5 s, the beat, the first wait (the list asks 5 s)",
      run: sleepAndForgotten,
    },
  ],
};

async function partition(context: SoakContext, ...ways: readonly Direction[]): Promise<Outcome> {
  await using origin = MarkedOrigin.start();
  await using server = await startServer();
  await using link = Link.start(Number(server.url.port));
  await using tunnel = await startThrough(link, server, origin);
  await using load = visit(context, tunnel, origin);
  await lasting(3);
  const before = link.connectionCount;
  link.hold(...ways);
  const began = performance.now();
  const [byServer, byClient] = await Promise.all([
    untilHolds("the server", async () => await connections(server) === 0, began),
    untilHolds("the client", () => link.connectionCount > before, began),
    lasting(LASTS),
  ]);
  link.release();
  const back = await untilWorks(tunnel);
  const healed = performance.now();
  await lasting(5);
  const late = (await load.stop()).between(healed + 1_000);
  return judged(
    byServer <= FOUND && byClient <= FOUND && back <= 5_000 && late.failed === 0,
    `server ${inSeconds(byServer)}, client ${inSeconds(byClient)}, works after ${
      inSeconds(back)
    }; then ${late}`,
  );
}

async function stoppedClient(context: SoakContext): Promise<Outcome> {
  await using origin = MarkedOrigin.start();
  await using tunnel = await startTunnel({ origin });
  await using load = visit(context, tunnel, origin);
  await lasting(3);
  const before = await memory(tunnel.server);
  tunnel.client.signal("SIGSTOP");
  const stopped = performance.now();
  const gone = async () => await connections(tunnel.server) === 0;
  const found = await untilHolds("the server", gone, stopped);
  await lasting(LASTS - found / 1000);
  const grown = await memory(tunnel.server) - before;
  tunnel.client.signal("SIGCONT");
  const woken = performance.now();
  const back = await untilWorks(tunnel);
  const visits = await load.stop();
  const meanwhile = visits.between(stopped, woken);
  const silent = visits.between(stopped + FOUND - LONGEST_WAIT).of("silent").count;
  return judged(
    found <= FOUND && silent === 0 && grown < 50e6 && back <= 5_000,
    `found after ${inSeconds(found)}; meanwhile ${meanwhile}; grown by ${
      inMegabytes(grown)
    }; works ${inSeconds(back)} after`,
  );
}

async function stoppedServer(context: SoakContext): Promise<Outcome> {
  await using origin = MarkedOrigin.start();
  await using stopped = await startServer();
  await using other = await startServer();
  await using link = Link.start(Number(stopped.url.port));
  const clientArgs = ["--server", link.url];
  await using tunnel = await startTunnel({ origin, server: other, clientArgs });
  await untilHolds("both connections", async () => await connections(stopped) === 2);
  await using load = visit(context, tunnel, origin);
  await lasting(3);
  const before = link.connectionCount;
  stopped.signal("SIGSTOP");
  const began = performance.now();
  const found = await untilHolds("the client", () => link.connectionCount > before, began);
  await lasting(LASTS - found / 1000);
  stopped.signal("SIGCONT");
  const back = await untilHolds("both connections", async () => await connections(stopped) >= 2);
  const visits = await load.stop();
  return judged(
    found <= FOUND && visits.failed === 0 && back <= 5_000,
    `found after ${inSeconds(found)}; at the other: ${visits}; back ${inSeconds(back)} after`,
  );
}

async function sleep(): Promise<Outcome> {
  await using origin = MarkedOrigin.start();
  await using tunnel = await startTunnel({ origin });
  await untilHolds("both connections", async () => await connections(tunnel.server) === 2);
  await lasting(1);
  const both = [tunnel.server, tunnel.client];
  for (const program of both) program.signal("SIGSTOP");
  await lasting(LASTS);
  for (const program of both) program.signal("SIGCONT");
  const back = await untilWorks(tunnel);
  return judged(back <= 5_000, `works after ${inSeconds(back)}`);
}

async function sleepAndForgotten(): Promise<Outcome> {
  await using origin = MarkedOrigin.start();
  await using server = await startServer();
  await using link = Link.start(Number(server.url.port));
  await using tunnel = await startThrough(link, server, origin);
  // A client in the middle of its registration gives that up by a timer, which is another story.
  await untilHolds("both connections", async () => await connections(server) === 2);
  await lasting(1);
  tunnel.client.signal("SIGSTOP");
  link.forget();
  await lasting(LASTS);
  tunnel.client.signal("SIGCONT");
  const back = await untilWorks(tunnel);
  return judged(back <= 7_000, `works after ${inSeconds(back)}`);
}

function visit(context: SoakContext, tunnel: Tunnel, origin: MarkedOrigin) {
  return context.load({
    rate: Math.min(RATE, context.rate),
    port: Number(tunnel.server.url.port),
    host: tunnel.host,
    origin,
  });
}
