import { SUBPROTOCOL, SUBSCRIBE_PATH } from "../../lib/wire/messages.ts";
import { processUsage } from "../bench/peers/process_usage.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { Subscriber } from "../testing/subscriber.ts";
import { startTunnel, type Tunnel } from "../testing/tunnel.ts";
import { WebSocketOrigin } from "../testing/websocket_origin.ts";
import {
  type Family,
  inSeconds,
  judged,
  lasting,
  type Outcome,
  type SoakContext,
} from "./fault.ts";
import { guesses } from "./guesses.ts";
import { MarkedOrigin } from "./marked_origin.ts";
import { descriptors, inMegabytes, memory, restingMemory, streams } from "./process_state.ts";
import { untilHolds } from "./recovery.ts";
import { StubbornSockets } from "./stubborn_sockets.ts";

/** Megabytes that each of them sends of a message without an end. */
const FRAGMENTS = 8;

const CLIENTS = 100;
/** How many times so many come, a second apart. */
const ROUNDS = 3;

const VISITORS = 150;

/** Connections that ask for error pages all the time. */
const ASKERS = 32;
/** Seconds for which they do. */
const ASKING = 10;
/** How much more CPU the page of a request may take when a field of 60 KB is a list, beside one of a single member. */
const MAX_RATIO = 5;

/** What those can do who are not registered, or only visit. */
export const strangers: Family = {
  atOnce: false,
  faults: [
    {
      id: "W1",
      name: "clients that never register and ignore the close",
      how:
        `${ROUNDS} times ${CLIENTS} connections, ${FRAGMENTS} MB of a message without an end each`,
      target: "all are ended, the descriptors of before; a client registers; 0 others fail",
      run: unregistered,
    },
    {
      id: "W2",
      name: "visitors' WebSockets that ignore the close",
      how: `${VISITORS} WebSockets that their origin closes, ${FRAGMENTS} MB each likewise`,
      target: "all are ended, 0 streams and the descriptors of before",
      run: unclosed,
    },
    {
      id: "W3",
      name: "60 KB of each list, for error pages",
      how:
        `${ASKERS} connections for ${ASKING} s, to a host that is none of the server's; then 60 KB of one member`,
      target: `0 others fail; a page takes less than ${MAX_RATIO} times the CPU`,
      run: longLists,
    },
    {
      id: "W4",
      name: "guesses at passwords",
      how: "one visitor guesses by 60 connections at each of 5 tunnels, for 10 s",
      target: "a login at another tunnel is let in, within 5 s; the descriptors of before",
      run: guesses,
    },
  ],
};

async function unregistered(context: SoakContext): Promise<Outcome> {
  await using origin = MarkedOrigin.start();
  await using tunnel = await startTunnel({ origin });
  const { server } = tunnel;
  const port = Number(server.url.port);
  const before = await descriptors(server);
  const resting = await restingMemory(server);
  await using load = context.load({ port, host: tunnel.host, origin });
  using sockets = new StubbornSockets();
  let most = { memory: 0, descriptors: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    await sockets.open(CLIENTS, {
      port,
      host: server.url.host,
      target: SUBSCRIBE_PATH,
      protocol: SUBPROTOCOL,
      fragments: FRAGMENTS,
    });
    most = {
      memory: Math.max(most.memory, await memory(server)),
      descriptors: Math.max(most.descriptors, await descriptors(server)),
    };
    await lasting(1);
  }
  const ended = await untilHolds("the end of all", () => sockets.ended === sockets.accepted);
  using _client = await Subscriber.register(server);
  const visits = await load.stop();
  return judged(
    visits.failed === 0,
    `${sockets.accepted} were let in, ${inMegabytes(resting)} and ${before} descriptors became ` +
      `${inMegabytes(most.memory)} and ${most.descriptors}; all were ended ${inSeconds(ended)} ` +
      `after; ${await leftOver(tunnel, before)}; others: ${visits}`,
  );
}

async function unclosed(): Promise<Outcome> {
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({ origin });
  const { server } = tunnel;
  const before = await descriptors(server);
  const resting = await restingMemory(server);
  using sockets = new StubbornSockets();
  await sockets.open(VISITORS, {
    port: Number(server.url.port),
    host: tunnel.host,
    target: "/",
    fragments: FRAGMENTS,
  });
  for (let i = 0; i < sockets.accepted; i++) (await origin.next()).peer.close(1000);
  const most = await memory(server);
  const ended = await untilHolds("the end of all", () => sockets.ended === sockets.accepted);
  const left = await streams(server);
  return judged(
    left === 0 && sockets.accepted === VISITORS,
    `${sockets.accepted} were let in, ${inMegabytes(resting)} became ${inMegabytes(most)}; all ` +
      `were ended ${inSeconds(ended)} after; ${left} streams; ${await leftOver(tunnel, before)}`,
  );
}

/** Waits for the descriptors of before, and tells what is held then. */
async function leftOver({ server }: Tunnel, before: number): Promise<string> {
  const back = await untilHolds(
    "the descriptors of before",
    async () => await descriptors(server) <= before + 2,
  );
  return `then ${inMegabytes(await restingMemory(server))}, and the descriptors of before after ${
    inSeconds(back)
  }`;
}

async function longLists(context: SoakContext): Promise<Outcome> {
  await using origin = MarkedOrigin.start();
  await using tunnel = await startTunnel({ origin });
  const port = Number(tunnel.server.url.port);
  const resting = await restingMemory(tunnel.server);
  await using load = context.load({ port, host: tunnel.host, origin });
  const lists = [
    ["Accept", "a/b,"],
    ["Connection", "a,"],
    ["Upgrade", "/,"],
    ["X-Forwarded-For", "::1,"],
    ["Sec-WebSocket-Protocol", "a,"],
  ] as const;
  const long = await pages(tunnel, lists.map(([name, member]) => requestWith(name, member)));
  const visits = await load.stop();
  const plain = await pages(tunnel, [requestWith("X-Other", "aaaa")]);
  const grown = await restingMemory(tunnel.server) - resting;
  const [ratio, slowest] = [long.cpu / plain.cpu, inSeconds(visits.slowest)];
  return judged(
    visits.failed === 0 && ratio < MAX_RATIO,
    `${long.rate} pages a second, ${long.cpu.toFixed(2)} ms of CPU each, ${
      ratio.toFixed(1)
    } times ` +
      `as much; others: ${visits}, the slowest took ${slowest}; grown by ${inMegabytes(grown)}`,
  );
}

function requestWith(name: string, member: string): string {
  const list = member.repeat(60_000 / member.length);
  return `GET / HTTP/1.1\r\nHost: elsewhere.example\r\n${name}: ${list}\r\n\r\n`;
}

/** Asks for error pages by all connections; returns how many came in a second, and the milliseconds of CPU of each. */
async function pages(
  { server }: Tunnel,
  requests: readonly string[],
): Promise<{ readonly rate: number; readonly cpu: number }> {
  const before = (await processUsage([server.pid])).cpu;
  const end = performance.now() + ASKING * 1000;
  let answers = 0;
  await Promise.all(Array.from({ length: ASKERS }, async (_, i) => {
    using visitor = await RawHTTP.open(Number(server.url.port));
    for (; performance.now() < end; i++) {
      await visitor.exchange(requests[i % requests.length] ?? "");
      answers++;
    }
  }));
  const { cpu } = await processUsage([server.pid]);
  return { rate: Math.round(answers / ASKING), cpu: (cpu - before) * 1000 / answers };
}
