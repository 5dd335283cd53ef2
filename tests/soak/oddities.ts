import { freePort } from "../testing/free_port.ts";
import { Program } from "../testing/program.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { SeededRandom } from "../testing/seeded_random.ts";
import { Subscriber } from "../testing/subscriber.ts";
import { startServer, startTunnel } from "../testing/tunnel.ts";
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
import { MovedName, SERVER_NAME } from "./moved_name.ts";
import { untilHolds } from "./recovery.ts";

/** Milliseconds of a year. */
const YEAR = 365 * 24 * 3600 * 1000;

/** Requests that are made to break something. */
const POISONED = 300;
/** Bytes of each that are not what they should be, at the most. */
const MOST_WRONG = 8;

/** Milliseconds in which a client follows its server's name: the longest of the first waits, after a few in vain. */
const FOLLOWED = 15_000;

/** What is neither dead nor slow nor short of anything, and is wrong nevertheless. */
export const oddities: Family = {
  atOnce: false,
  faults: [
    {
      id: "F15",
      name: "packets are lost",
      how: "",
      target: "0 failures",
      run: () =>
        Promise.resolve(leftOut("needs netem or iptables; TCP sends again, see F08 and F16")),
    },
    {
      id: "F17",
      name: "clock is wrong",
      how: "registrations by a clock a year behind and a year ahead",
      target: "registered: a nonce proves freshness, no clock matters",
      run: clockSkew,
    },
    elsewhere(
      "F26",
      "slow heads, bodies and readers",
      "deno task suites slowhttptest",
      "available",
    ),
    {
      id: "F27",
      name: "poisoned requests",
      how: `${POISONED} requests with up to ${MOST_WRONG} wrong bytes, under load`,
      target: "0 others fail, nothing unexpected is logged",
      run: poison,
    },
    {
      id: "F28",
      name: "another version of the protocol",
      how: "a client that speaks tunnel.v0, and one that says nothing of it",
      target: "refused at the handshake",
      run: otherVersion,
    },
    {
      id: "F29",
      name: "server's name moves",
      how: "the server is killed, its name leads to another address",
      target: `the client follows within ${FOLLOWED / 1000} s`,
      run: movedName,
    },
  ],
};

async function clockSkew(): Promise<Outcome> {
  await using server = await startServer();
  const hosts: string[] = [];
  for (const skew of [-YEAR, YEAR]) {
    const clock = Date.now;
    Date.now = () => clock() + skew;
    try {
      using subscriber = await Subscriber.register(server);
      hosts.push(subscriber.host);
    } finally {
      Date.now = clock;
    }
  }
  return judged(hosts.length === 2, `${hosts.length} of 2 registered`);
}

async function poison(context: SoakContext): Promise<Outcome> {
  const random = new SeededRandom();
  await using origin = MarkedOrigin.start();
  await using tunnel = await startTunnel({ origin });
  const port = Number(tunnel.server.url.port);
  await using load = context.load({ port, host: tunnel.host, origin });
  const request = new TextEncoder().encode(
    tunnel.write("/down?id=1&length=10", {
      fields: [["Connection", "close"], ["Transfer-Encoding", "chunked"], ["Expect", "none"]],
    }) + "5\r\nhello\r\n0\r\n\r\n",
  );
  for (let i = 0; i < POISONED; i++) {
    const bytes = request.slice();
    for (let wrong = random.integer(1, MOST_WRONG); wrong > 0; wrong--) {
      bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
    }
    using visitor = await RawHTTP.open(port);
    await visitor.send(bytes);
    await visitor.closeWrite();
    await visitor.readToEnd().catch(() => {});
  }
  const visits = await load.stop();
  const said = `${tunnel.server.stderr}${tunnel.client.stderr}`;
  const unexpected = said.match(/unexpected|inside the server/g)?.length ?? 0;
  return judged(
    visits.failed === 0 && unexpected === 0,
    `others: ${visits}; ${unexpected} unexpected lines (TEST_SEED=${random.seed})`,
  );
}

async function otherVersion(): Promise<Outcome> {
  await using server = await startServer();
  const statuses: number[] = [];
  for (const protocol of ["Sec-WebSocket-Protocol: tunnel.v0\r\n", ""]) {
    using client = await RawHTTP.open(Number(server.url.port));
    const { status } = await client.exchange(
      `GET /proxy/subscribe HTTP/1.1\r\nHost: ${server.url.host}\r\nUpgrade: websocket\r\n` +
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
        `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${protocol}\r\n`,
    );
    statuses.push(status);
  }
  const refused = statuses.every((status) => status >= 400 && status < 500);
  return judged(refused, `statuses ${statuses.join(" and ")}; frames: tests/e2e/hostile_*_test.ts`);
}

async function movedName(): Promise<Outcome> {
  const port = freePort();
  await using origin = MarkedOrigin.start();
  await using first = await startNamed(port, "127.0.0.2");
  await using client = await MovedName.start({ address: "127.0.0.2", port, origin: origin.port });
  if (client === null) return leftOut("/etc/hosts cannot be replaced for one process here");
  await first.stop("SIGKILL");
  await lasting(1);
  await using second = await startNamed(port, "127.0.0.1");
  await client.move("127.0.0.1");
  const back = await untilHolds("the client", () => registrations(second) === 2);
  return judged(back <= FOLLOWED, `followed after ${inSeconds(back)}`);
}

/** Counts the connections that have registered: a server with a name of the world's shows its metrics to nobody. */
function registrations({ stderr }: Program): number {
  return stderr.all.filter((line) => line.includes("client registered")).length;
}

function startNamed(port: number, hostname: string): Promise<Program> {
  const flags = ["--hostname", hostname, "--port", `${port}`, "--domain", SERVER_NAME, "--open"];
  return Program.start("server.ts", flags);
}
