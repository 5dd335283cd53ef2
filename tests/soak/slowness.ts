import { Link } from "../testing/link.ts";
import {
  startClient,
  startServer,
  startThrough,
  startTunnel,
  type Tunnel,
} from "../testing/tunnel.ts";
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
import { type LogPlace, UnreadServer } from "./unread_server.ts";

/** Bytes a second of a link of one megabit a second. */
const SLOW = 125_000;
/** Seconds for which small requests are measured, and how many a second. */
const MEASURED = 12;
const SMALL_RATE = 2;

/** Seconds without enough CPU time: more than it takes to be found dead. */
const STARVED = 25;
const BUSY_LOOPS = 4;
/** Requests a second for programs that hardly run. */
const STARVED_RATE = 5;

/** Requests that fail and are logged: far more lines than a pipe holds. */
const LOGGED = 1_000;

/** Too little of whatever a tunnel needs to go on. */
export const slowness: Family = {
  atOnce: false,
  faults: [
    {
      id: "F14",
      name: "slow link",
      how: "1 Mbit/s between client and server, a download of 100 MB",
      target: "p99 of small requests at most three times that without the download",
      run: slowLink,
    },
    elsewhere("F16", "latency, jitter, resets, slices", "deno task suites toxiproxy", "invariant"),
    {
      id: "F23a",
      name: "nobody reads the log",
      how: `standard error is a full pipe; ${LOGGED} lines`,
      target: "0 requests fail, p99 1 s",
      run: (context) => unwritableLog("full pipe", context),
    },
    {
      id: "F23b",
      name: "disk full",
      how: `standard error is /dev/full; ${LOGGED} lines`,
      target: "0 requests fail, p99 1 s",
      run: (context) => unwritableLog("full disk", context),
    },
    {
      id: "F25",
      name: "no CPU time",
      how: `client and server on one core with ${BUSY_LOOPS} busy loops for ${STARVED} s`,
      target: "0 connections given up, 0 requests fail",
      run: starved,
    },
  ],
};

async function slowLink(context: SoakContext): Promise<Outcome> {
  await using origin = MarkedOrigin.start();
  await using server = await startServer();
  await using link = Link.start(Number(server.url.port));
  await using tunnel = await startThrough(link, server, origin);
  link.bytesPerSecond = SLOW;
  const idle = await smallRequests(context, tunnel, origin);
  using visitor = await tunnel.open();
  await visitor.send(tunnel.write("/down?id=1&length=100000000"));
  const { body } = await visitor.receive();
  const reading = body.forEach(() => {}).catch(() => {});
  // What lies on the way is only then as much as it ever is.
  await lasting(5);
  const beside = await smallRequests(context, tunnel, origin);
  visitor.close();
  await reading;
  const [before, during] = [idle, beside].map((visits) => visits.percentile(0.99));
  return judged(
    beside.failed === 0 && (during ?? NaN) <= (before ?? NaN) * 3,
    `p99 ${inSeconds(during ?? NaN)}, without it ${inSeconds(before ?? NaN)}; ${beside}`,
  );
}

async function smallRequests(context: SoakContext, tunnel: Tunnel, origin: MarkedOrigin) {
  const port = Number(tunnel.server.url.port);
  const options = { rate: SMALL_RATE, port, host: tunnel.host, origin };
  await using load = context.load({ ...options, kind: () => "small" });
  await lasting(MEASURED);
  return await load.stop();
}

async function unwritableLog(place: LogPlace, context: SoakContext): Promise<Outcome> {
  if (Deno.build.os === "windows") return leftOut("there is no such file here");
  await using origin = MarkedOrigin.start();
  await using server = await UnreadServer.start(place);
  await using good = await startClient(server.port, origin);
  // Nobody listens there: each request is a line of the log.
  await using bad = await startClient(server.port, { port: 9 });
  const options = { port: server.port, origin };
  await using load = context.load({ ...options, host: good.url.host });
  await using failing = context.load({
    ...options,
    rate: LOGGED / 10,
    host: bad.url.host,
    kind: () => "small",
  });
  await lasting(10);
  const [visits, lines] = await Promise.all([load.stop(), failing.stop()]);
  const p99 = visits.ofKind("small").percentile(0.99);
  return judged(
    visits.failed === 0 && p99 < 1_000 && lines.of("refused").count === lines.count,
    `${lines.count} lines or more; ${visits}, p99 ${Math.round(p99)} ms`,
  );
}

async function starved(context: SoakContext): Promise<Outcome> {
  await using origin = MarkedOrigin.start();
  await using tunnel = await startTunnel({ origin });
  const { server, client } = tunnel;
  for (const { pid } of [server, client]) {
    const args = ["-a", "-c", "-p", "0", `${pid}`];
    const { success } = await new Deno.Command("taskset", { args, stdout: "null" }).output();
    if (!success) return leftOut("taskset cannot bind a process to a core");
  }
  const port = Number(server.url.port);
  const busy = Array.from(
    { length: BUSY_LOOPS },
    () =>
      new Deno.Command("taskset", { args: ["-c", "0", "sh", "-c", "while :; do :; done"] }).spawn(),
  );
  try {
    await using load = context.load({ rate: STARVED_RATE, port, host: tunnel.host, origin });
    await lasting(STARVED);
    const visits = await load.stop();
    const lost = `${server.stderr}`.match(/client left/g)?.length ?? 0;
    return judged(
      lost === 0 && visits.failed === 0,
      `${lost} given up; ${visits}, p50 ${inSeconds(visits.percentile(0.5))}`,
    );
  } finally {
    for (const loop of busy) loop.kill("SIGKILL");
    await Promise.all(busy.map(({ status }) => status));
  }
}
