import { assert, assertEquals } from "@std/assert";
import { LongVisits } from "../testing/long_visits.ts";
import { Program } from "../testing/program.ts";
import { SampleOrigin } from "../testing/sample_origin.ts";
import { type LoadReport, SteadyLoad, type SteadyLoadOptions } from "../testing/steady_load.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { startClient, startServer, startServerAt, startTunnel } from "../testing/tunnel.ts";
import { openWebSocket } from "../testing/websocket_peer.ts";
import { within } from "../testing/within.ts";

/** Requests a second during a restart. */
const RATE = 500;

/** Requests before and after what happens: those of a second. */
const AROUND = RATE;

Deno.test({
  name: "A restart with --reuse-port and --client-port fails no request and cuts nothing",
  // Elsewhere two processes cannot share a port, or the system does not spread connections over them.
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using origin = SampleOrigin.start();
  const shared = ["--reuse-port", "--client-port"];
  await using first = await startServer([...shared, "0"]);
  const { port } = first.url;
  const clientPort = await clientPortOf(first);
  await using client = await startClient(clientPort, origin);
  await using load = startLoad({ port: () => Number(port), host: client.url.host });
  await using long = LongVisits.start({ port: Number(port), host: client.url.host });
  await load.more(AROUND);

  await using second = await startServerAt(port, [...shared, clientPort]);
  first.signal("SIGTERM");
  // What goes on comes to its end while the old process waits for it, and new requests are served meanwhile.
  await load.more(AROUND);
  await long.finish();
  assertEquals((await within(first.status, "the end of the old server")).code, 0);
  await load.more(AROUND);
  const report = await load.stop();
  tell("restart with --reuse-port --client-port", report);
  assertEquals(report.failed, 0, JSON.stringify(report));
  assertEquals(second.url.href, first.url.href);
  assertEquals(client.stdout.all, [client.url.origin]);
  assertEquals(linesOfLoss(client), [], "the client never was without a connection");
});

Deno.test({
  name:
    "A restart on one port with --reuse-port and --listener own fails no request and cuts nothing",
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using origin = SampleOrigin.start();
  const shared = ["--reuse-port", "--listener", "own"];
  await using first = await startServer(shared);
  const { port } = first.url;
  await using client = await startClient(port, origin);
  await using load = startLoad({ port: () => Number(port), host: client.url.host });
  await using long = LongVisits.start({ port: Number(port), host: client.url.host });
  await load.more(AROUND);

  await using _second = await startServerAt(port, shared);
  first.signal("SIGTERM");
  await load.more(AROUND);
  await long.finish();
  assertEquals((await within(first.status, "the end of the old server")).code, 0);
  await load.more(AROUND);
  const report = await load.stop();
  tell("restart with --reuse-port --listener own", report);
  assertEquals(report.failed, 0, JSON.stringify(report));
  assertEquals(linesOfLoss(client), [], "the client never was without a connection");
});

Deno.test("A client that is replaced by a new one with the same key fails no request and cuts nothing", async () => {
  await using origin = SampleOrigin.start();
  await using folder = await TempDir.make();
  const clientArgs = ["--key", `${folder.path}/key.pem`];
  await using server = await startServer();
  const port = Number(server.url.port);
  await using old = await startTunnel({ origin, server, clientArgs });
  await using load = startLoad({ port: () => port, host: old.host });
  await using long = LongVisits.start({ port, host: old.host });
  await load.more(AROUND);

  await using fresh = await startTunnel({ origin, server, clientArgs });
  assertEquals(fresh.url, old.url);
  old.client.signal("SIGTERM");
  await load.more(AROUND);
  await long.finish();
  assertEquals((await within(old.client.status, "the end of the old client")).code, 0);
  await load.more(AROUND);
  const report = await load.stop();
  tell("client replaced", report);
  assertEquals(report.failed, 0, JSON.stringify(report));
});

Deno.test("A restart on a single port loses what comes while nobody listens, and nothing after that", async () => {
  await using origin = SampleOrigin.start();
  await using first = await startServer();
  const { port } = first.url;
  await using tunnel = await startTunnel({ origin, server: first });
  await using load = startLoad({ port: () => Number(port), host: tunnel.host });
  await load.more(AROUND);

  const stopped = performance.now();
  assertEquals((await first.stop("SIGTERM")).code, 0);
  const ended = performance.now();
  await load.more(AROUND);
  await using _second = await startServerAt(port);
  const listening = performance.now();
  await load.more(2 * AROUND);
  const report = await load.stop();
  const gap = Math.round(listening - ended);
  tell(`restart on a single port, nobody there for ${gap} ms`, report);
  for (const { began, reason } of report.failures) {
    assert(began > stopped && began < listening, `${reason}, ${began - listening} ms too late`);
  }
  // Nobody is there, or what is under way must be told to try again; nothing is lost in another way.
  const reasons = Object.keys(report.reasons).filter((reason) =>
    reason !== "refused" && reason !== "closed" && !reason.startsWith("status 503")
  );
  assertEquals(reasons, []);
});

Deno.test("A server waits for WebSockets no longer than --drain-timeout, and then closes them in order", async () => {
  await using origin = SampleOrigin.start();
  await using server = await startServer([
    ...["--client-port", "0", "--drain-timeout", "1s"],
  ]);
  await using client = await startClient(await clientPortOf(server), origin);
  const { host } = client.url;
  using visitor = await openWebSocket(`ws://127.0.0.1:${server.url.port}/socket`, {
    headers: { host },
  });
  server.signal("SIGTERM");
  await server.stderr.find(/stopping/);
  visitor.send("still here");
  assertEquals(await visitor.next(), "still here");
  assertEquals((await visitor.closed).code, 1001);
  assertEquals((await within(server.status, "the end of the server")).code, 0);
});

function startLoad(options: Pick<SteadyLoadOptions, "port" | "host">): SteadyLoad {
  return SteadyLoad.start({ ...options, rate: RATE, expected: "It works" });
}

/** Reads the port for clients from the server's log. */
async function clientPortOf(server: Program): Promise<string> {
  const line = await within(
    server.stderr.find(/a port of their own.*?"port":(\d+)/),
    "the port of the clients",
  );
  return line?.[1] ?? "";
}

function linesOfLoss(client: Program): string[] {
  return client.stderr.all.filter((line) => line.includes("not connected"));
}

/** Prints the figures, which say more than that they hold. */
function tell(what: string, report: LoadReport): void {
  const { made, rate, failed, reasons, retriedKept, retriedFresh, slowest } = report;
  console.log(
    `${what}: ${made} requests at ${rate}/s, ${failed} failed ${JSON.stringify(reasons)}, ` +
      `sent again: ${retriedKept} (kept), ${retriedFresh} (new), slowest ${slowest} ms`,
  );
}
