import { processUsage } from "../bench/peers/process_usage.ts";
import { Lines } from "../testing/lines.ts";
import { startTunnel, type Tunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";
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
import { MarkedOrigin } from "./marked_origin.ts";
import { MemoryGroup } from "./memory_group.ts";
import {
  descriptors,
  inMegabytes,
  limitDescriptors,
  memory,
  restingMemory,
  streams,
} from "./process_state.ts";
import { untilHolds, untilWorks } from "./recovery.ts";
import { SlowReaders } from "./slow_readers.ts";

const READERS = 1_000;
/** Bytes that server and client may grow by, together, for so many readers. */
const MAX_GROWTH = 150e6;
/** Seconds in which what comes to readers that do not read fills whatever is to be filled. */
const FILLING = 10;

const LEAVERS = 2_000;
/** Visitors that come at the same time. */
const AT_ONCE = 50;

const DESCRIPTORS = 256;
const SOCKETS = 400;
/** Milliseconds in which a socket is accepted by a listener that is alive. */
const ACCEPTED_WITHIN = 500;

/** Bytes of memory for a server that is short of it. */
const MEMORY = 300e6;
const READERS_IN_LITTLE_MEMORY = 300;

/** So many streams and connections, all from one address, that no limit is what is measured. */
const serverArgs = ["--max-streams", "10000", "--max-visitor-connections", "10000"];

/** Too few descriptors, too little memory, and visitors that take both. */
export const shortage: Family = {
  atOnce: false,
  faults: [
    {
      id: "F18",
      name: "file descriptors run out",
      how: `prlimit --nofile=${DESCRIPTORS} of the server, ${SOCKETS} idle sockets`,
      target: "alive; works 1 s after they are closed",
      run: noDescriptors,
    },
    {
      id: "F19a",
      name: "visitors that read nothing",
      how: `${READERS} ask for 100 MB; one in ten reads 1 kB/s, the others nothing`,
      target: "server and client grow by less than 150 MB together; 0 others fail; 0 streams after",
      run: slowReaders,
    },
    {
      id: "F19a0",
      name: "the same at Deno.serve alone",
      how: "no tunnel: a handler with an endless stream",
      target: "what no server on it can go below",
      run: slowReadersAlone,
    },
    {
      id: "F19b",
      name: "visitors that open and leave",
      how: `${LEAVERS} ask for 1 MB and close`,
      target: "0 streams and the descriptors of before; 0 others fail",
      run: leavers,
    },
    elsewhere("F20", "10,000 idle tunnels", "deno task bench:scale --axis tunnels", "50 KiB each"),
    {
      id: "F24",
      name: "little memory",
      how: `a group of ${
        MEMORY / 1e6
      } MB for the server, ${READERS_IN_LITTLE_MEMORY} readers that read nothing`,
      target: "alive; 0 others fail",
      run: littleMemory,
    },
  ],
};

async function noDescriptors(context: SoakContext): Promise<Outcome> {
  await using origin = MarkedOrigin.start();
  await using tunnel = await startTunnel({ origin });
  await limitDescriptors(tunnel.server, DESCRIPTORS);
  const opened: Deno.TcpConn[] = [];
  const patience = performance.now() + 10_000;
  while (opened.length < SOCKETS && performance.now() < patience) {
    const socket = await connect(Number(tunnel.server.url.port));
    if (socket !== null) opened.push(socket);
    else if (opened.length > DESCRIPTORS) break;
  }
  await lasting(1);
  for (const socket of opened) socket.close();
  const back = await untilWorks(tunnel);
  await lasting(1);
  await using load = visit(context, tunnel, origin);
  await lasting(3);
  const visits = await load.stop();
  const { code } = await tunnel.server.stop("SIGTERM");
  return judged(
    back <= 1_000 && visits.failed === 0 && code === 0,
    `${opened.length} opened; works ${inSeconds(back)} after; then ${visits}; exit status ${code}`,
  );
}

/** Connects; null when nobody takes the connection. */
async function connect(port: number): Promise<Deno.TcpConn | null> {
  const signal = AbortSignal.timeout(ACCEPTED_WITHIN);
  return await Deno.connect({ hostname: "127.0.0.1", port, signal }).catch(() => null);
}

async function slowReaders(context: SoakContext): Promise<Outcome> {
  await using origin = MarkedOrigin.start();
  await using tunnel = await startTunnel({ origin, serverArgs });
  await using load = visit(context, tunnel, origin);
  await lasting(5);
  const { server, client } = tunnel;
  const before = { server: await restingMemory(server), client: await restingMemory(client) };
  const grown = { server: 0, client: 0 };
  {
    await using _readers = await SlowReaders.open(...downloadOf(tunnel), READERS);
    await untilHolds("the streams", async () => await streams(tunnel.server) >= READERS);
    for (let second = 0; second < FILLING; second++) {
      grown.server = Math.max(grown.server, await memory(server) - before.server);
      grown.client = Math.max(grown.client, await memory(client) - before.client);
      await lasting(1);
    }
  }
  const visits = await load.stop();
  const ended = await untilHolds("no streams", async () => await streams(tunnel.server) === 0);
  return judged(
    grown.server + grown.client < MAX_GROWTH && visits.failed === 0,
    `server grew by ${inMegabytes(grown.server)}, client by ${
      inMegabytes(grown.client)
    }; others: ${visits}; ` +
      `0 streams ${inSeconds(ended)} after`,
  );
}

/** The port and the request of a download that nobody gets through. */
function downloadOf(tunnel: Tunnel): [port: number, request: string] {
  return [Number(tunnel.server.url.port), tunnel.write("/down?id=1&length=100000000")];
}

/** Tells what the same visitors cost a server that does nothing else. */
async function slowReadersAlone(): Promise<Outcome> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-net", new URL("bare_server.ts", import.meta.url).href],
    stdout: "piped",
  }).spawn();
  const lines = new Lines(child.stdout);
  try {
    const [port] = await within(lines.find(/^\d+$/), "the port") ?? [];
    const before = (await processUsage([child.pid])).memory;
    const request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    await using _readers = await SlowReaders.open(Number(port), request, READERS);
    await lasting(FILLING);
    const grown = (await processUsage([child.pid])).memory - before;
    return { measured: `grew by ${inMegabytes(grown)}`, result: "to compare" };
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await lines.ended;
  }
}

async function leavers(context: SoakContext): Promise<Outcome> {
  await using origin = MarkedOrigin.start();
  await using tunnel = await startTunnel({ origin, serverArgs });
  const { server, client } = tunnel;
  await leave(tunnel, AT_ONCE);
  await lasting(2);
  const before = await descriptors(server) + await descriptors(client);
  const memoryBefore = await restingMemory(server, client);
  await using load = visit(context, tunnel, origin);
  await leave(tunnel, LEAVERS);
  const visits = await load.stop();
  await untilHolds("no streams", async () => await streams(server) === 0);
  // Connections to the origin that are kept for the next request are closed after some seconds.
  const isBack = async () => await descriptors(server) + await descriptors(client) <= before + 2;
  const back = await untilHolds("the descriptors of before", isBack);
  const grown = await restingMemory(server, client) - memoryBefore;
  return judged(
    visits.failed === 0,
    `0 streams, ${before} descriptors again after ${inSeconds(back)}; others: ${visits}; grown by ${
      inMegabytes(grown)
    }`,
  );
}

/** Lets visitors ask and go, half of them before anything came, half in the middle of it. */
async function leave(tunnel: Tunnel, count: number): Promise<void> {
  let left = 0;
  const lane = async () => {
    while (left++ < count) {
      using visitor = await tunnel.open();
      await visitor.send(tunnel.write("/down?id=1&length=1000000"));
      if (left % 2 === 0) await visitor.receiveHead();
    }
  };
  await within(Promise.all(Array.from({ length: AT_ONCE }, lane)), "visitors to leave", 120_000);
}

async function littleMemory(context: SoakContext): Promise<Outcome> {
  await using group = await MemoryGroup.make(MEMORY);
  if (group === null) return leftOut("no group with a limit of memory can be made here");
  await using origin = MarkedOrigin.start();
  await using tunnel = await startTunnel({ origin, serverArgs });
  await group.add(tunnel.server.pid);
  await using load = visit(context, tunnel, origin);
  {
    await using _readers = await SlowReaders.open(...downloadOf(tunnel), READERS_IN_LITTLE_MEMORY);
    await lasting(FILLING);
  }
  const visits = await load.stop();
  const held = await tunnel.server.memory();
  return judged(
    visits.failed === 0 && held !== null,
    `${inMegabytes(held?.peak ?? NaN)} at the most; others: ${visits}`,
  );
}

function visit(context: SoakContext, tunnel: Tunnel, origin: MarkedOrigin) {
  return context.load({ port: Number(tunnel.server.url.port), host: tunnel.host, origin });
}
