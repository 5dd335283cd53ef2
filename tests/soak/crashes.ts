import { newSigningKey } from "../testing/ed25519.ts";
import { freePort } from "../testing/free_port.ts";
import { TunnelClient } from "../../lib/client/tunnel_client.ts";
import { OPEN_POLICY } from "../../lib/identity/visitor_policy.ts";
import { Program } from "../testing/program.ts";
import { startServerAt, startTunnel } from "../testing/tunnel.ts";
import { elsewhere, type Family, inSeconds, judged, lasting, type SoakContext } from "./fault.ts";
import { MarkedOrigin } from "./marked_origin.ts";
import { connections } from "./process_state.ts";
import { untilHolds, untilWorks } from "./recovery.ts";

/** Times that a server is killed. */
const ROUNDS = 3;

/** Seconds that a killed server or origin is away. */
const AWAY = 3;

/** Clients that lose their server together. */
const CLIENTS = 200;

/** Programs that are killed, and restarted. */
export const crashes: Family = {
  atOnce: false,
  faults: [
    {
      id: "F01",
      name: "client killed",
      how: "kill -9 under load",
      target:
        "noticed in 1 s, what is in flight ends in 1 s; what is new waits 5 s for it to come back, then 502",
      run: clientKilled,
    },
    {
      id: "F02",
      name: "server killed",
      how: `kill -9, started again after ${AWAY} s, ${ROUNDS} times`,
      target: "first good request 5 s after it listens",
      run: serverKilled,
    },
    {
      id: "F03",
      name: "many clients lose their server",
      how: `${CLIENTS} clients, kill -9, started again after ${AWAY} s`,
      target: "99 % back 30 s after it listens, none lost again",
      run: manyReconnect,
    },
    elsewhere(
      "F04",
      "rolling restart of two nodes",
      "tests/e2e/nodes_test.ts (Two nodes behind one address)",
      "0 requests fail",
    ),
    elsewhere(
      "F05",
      "one server is stopped under load",
      "tests/e2e/staying_connected_test.ts (A server that is told to stop)",
      "0 cut that end in 30 s",
    ),
    {
      id: "F30",
      name: "origin restarted",
      how: `ends with all that it does, is back after ${AWAY} s`,
      target: "502 in 1 s, then 200; no connection to the server is lost",
      run: originRestarted,
    },
  ],
};

async function clientKilled(context: SoakContext) {
  await using origin = MarkedOrigin.start();
  await using tunnel = await startTunnel({ origin });
  await using load = context.load({
    port: Number(tunnel.server.url.port),
    host: tunnel.host,
    origin,
  });
  await lasting(3);
  const waiting = tunnel.request("/late?length=20000");
  await lasting(1);
  const killed = performance.now();
  await tunnel.client.stop("SIGKILL");
  const gone = untilHolds(
    "no connection",
    async () => await connections(tunnel.server) === 0,
    killed,
  );
  const { status } = await waiting;
  const headless = performance.now() - killed;
  const noticed = await gone;
  await lasting(7);
  const after = (await load.stop()).between(killed);
  const longest = load.visits.between(killed - 4_000, killed).of("cut");
  const ends = longest.count === 0 ? 0 : longest.lastEnd - killed;
  const holds = noticed < 1_000 && headless < 1_000 && ends < 1_000 && after.slowest < 6_500 &&
    after.of("right").between(killed + 1_000).count === 0 && status === 502;
  return judged(
    holds,
    `noticed after ${inSeconds(noticed)}; without a head yet: ${status} after ${
      inSeconds(headless)
    }; ` +
      `${longest.count} answers cut, the last after ${inSeconds(ends)}; new ones: ${after}, in ${
        inSeconds(after.slowest)
      } at most`,
  );
}

async function serverKilled(context: SoakContext) {
  await using origin = MarkedOrigin.start();
  const port = freePort();
  await using stack = new AsyncDisposableStack();
  let server = stack.use(await startServerAt(port));
  await using tunnel = await startTunnel({ origin, server });
  await using load = context.load({ port, host: tunnel.host, origin });
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await untilWorks(tunnel);
    await lasting(1);
    await server.stop("SIGKILL");
    await lasting(AWAY);
    server = stack.use(await startServerAt(port));
    times.push(await untilWorks(tunnel));
  }
  const visits = await load.stop();
  return judged(
    Math.max(...times) <= 5_000,
    `first good request after ${times.map(inSeconds).join(", ")}; ${visits}`,
  );
}

async function manyReconnect() {
  const port = `${freePort()}`;
  const start = () =>
    Program.start("server.ts", [
      ...["--hostname", "127.0.0.1", "--port", port],
      ...["--registration-rate", "1000000/s", "--log-level", "warn"],
    ]);
  const back: number[] = [];
  let lost = 0;
  await using server = await start();
  const clients = await Promise.all(Array.from({ length: CLIENTS }, async () => {
    const service = { serve: () => Promise.resolve(), close() {} };
    const options = { service, connections: 1, label: "" };
    const secrets = { name: null, token: null, policy: OPEN_POLICY, key: await newSigningKey() };
    return new TunnelClient(
      { ...options, ...secrets, servers: [`http://127.0.0.1:${port}`], once: false },
      { onOnline: () => back.push(performance.now()), onOffline: () => lost++ },
    );
  }));
  const runs = clients.map((client) => client.run());
  try {
    await untilHolds("all clients", () => back.length === CLIENTS);
    back.length = 0;
    lost = 0;
    await server.stop("SIGKILL");
    await lasting(AWAY);
    await using _again = await start();
    const listens = performance.now();
    const most = await untilHolds("99 % of the clients", () => back.length >= CLIENTS * 0.99);
    await untilHolds("the last client", () => back.length >= CLIENTS);
    await lasting(5);
    const seconds = back.map((at) => Math.floor((at - listens) / 1000));
    const peak = Math.max(...seconds.map((at) => seconds.filter((other) => other === at).length));
    const lostAgain = lost - CLIENTS;
    return judged(
      most <= 30_000 && lostAgain === 0,
      `99 % back after ${
        inSeconds(most)
      }, at most ${peak} registrations in a second, ${lostAgain} lost again`,
    );
  } finally {
    for (const client of clients) client.close();
    await Promise.all(runs);
  }
}

async function originRestarted(context: SoakContext) {
  await using stack = new AsyncDisposableStack();
  const port = freePort();
  const first = MarkedOrigin.start({ port });
  await using tunnel = await startTunnel({ origin: first });
  const options = { port: Number(tunnel.server.url.port), host: tunnel.host, origin: first };
  await using load = context.load(options);
  await lasting(3);
  const ended = performance.now();
  await first[Symbol.asyncDispose]();
  await lasting(AWAY);
  const back = performance.now();
  stack.use(MarkedOrigin.start({ port }));
  const works = await untilWorks(tunnel);
  await lasting(2);
  const visits = await load.stop();
  const away = visits.between(ended, back);
  const isQuiet = !/not connected|lost/.test(`${tunnel.client.stderr}`);
  return judged(
    works < 1_000 && isQuiet && away.slowest < 1_500 && visits.between(back + works).failed === 0,
    `while it was away: ${away}, in ${inSeconds(away.slowest)} at most; 200 again after ${
      inSeconds(works)
    }; connections lost: ${isQuiet ? "none" : "some"}`,
  );
}
