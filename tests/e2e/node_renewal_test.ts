import { assertEquals, assertRejects } from "@std/assert";
import { eventually } from "../testing/eventually.ts";
import { freePort } from "../testing/free_port.ts";
import { LongVisits } from "../testing/long_visits.ts";
import { Program } from "../testing/program.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { hasRedis, RedisServer } from "../testing/redis_server.ts";
import { RenewableCertificate } from "../testing/renewable_certificate.ts";
import { SampleOrigin } from "../testing/sample_origin.ts";
import { SteadyLoad } from "../testing/steady_load.ts";
import { within } from "../testing/within.ts";

/** Requests a second by way of the other node. */
const RATE = 100;

/** Where a node listens, and which of its ports the other nodes and the clients are told. */
interface Place {
  readonly title: string;
  readonly hasClientPort: boolean;
  readonly isNodeUrlOfClients: boolean;
}

const PLACES: readonly Place[] = [
  { title: "one port for all", hasClientPort: false, isNodeUrlOfClients: false },
  { title: "a port for clients", hasClientPort: true, isNodeUrlOfClients: false },
  { title: "a port for clients and nodes", hasClientPort: true, isNodeUrlOfClients: true },
];

for (const place of PLACES) {
  Deno.test({
    name:
      `SIGHUP with --reuse-port cuts and refuses nothing that comes by another node (${place.title})`,
    // Elsewhere the system does not spread connections over sockets that share a port.
    ignore: !hasRedis || Deno.build.os !== "linux",
  }, async () => {
    await using pair = await Pair.start(place);
    const { near, far, client } = pair;
    const visited = { port: Number(near.url.port), host: client.url.host };
    await using load = SteadyLoad.start({
      ...visited,
      port: () => visited.port,
      rate: RATE,
      expected: "It works",
    });
    await load.more(RATE);
    await eventually("a direct link", async () => await directLinks(visited.port) === 1);
    await using long = LongVisits.start(visited);
    await load.more(RATE);

    await pair.renew();
    await eventually("another link to take the place of the first", () => linked(near) === 2);
    await load.more(RATE);
    const said = near.stderr.all.join("\n");
    assertEquals(await directLinks(visited.port), 2, `the old link has its streams still: ${said}`);
    await long.finish();
    await within(far.stderr.find(/certificate was read again/), "the end of the renewal");
    await load.more(RATE);
    const { failed, reasons } = await load.stop();
    assertEquals([failed, reasons], [0, {}]);
    assertEquals(await directLinks(visited.port), 1);
    assertEquals(near.stderr.all.filter((line) => line.includes("cannot be reached")), []);
    await assertRejects(() => pair.trustsOnly(pair.certificate.first));
    await pair.trustsOnly(pair.certificate.renewed);
  });
}

/** Two nodes, of which the far one has TLS and a client. */
class Pair implements AsyncDisposable {
  private constructor(
    readonly near: Program,
    readonly far: Program,
    readonly client: Program,
    readonly port: number,
    readonly certificate: RenewableCertificate,
    readonly owned: AsyncDisposableStack,
  ) {}

  static async start({ hasClientPort, isNodeUrlOfClients }: Place): Promise<Pair> {
    await using started = new AsyncDisposableStack();
    const certificate = started.use(await RenewableCertificate.make());
    const env = certificate.trusting;
    const redis = started.use(await RedisServer.start());
    const origin = started.use(SampleOrigin.start());
    const common = ["--hostname", "127.0.0.1", "--bus", redis.url];
    const near = started.use(await Program.start("server.ts", [...common, "--port", "0"], { env }));
    const port = freePort();
    const clientPort = hasClientPort ? freePort() : port;
    const nodePort = isNodeUrlOfClients ? clientPort : port;
    const far = started.use(
      await Program.start("server.ts", [
        ...[...common, "--port", `${port}`, "--reuse-port"],
        ...hasClientPort ? ["--client-port", `${clientPort}`] : [],
        ...["--node-url", `https://127.0.0.1:${nodePort}`],
        ...certificate.serverArgs,
      ], { env }),
    );
    const client = started.use(
      await Program.start("client.ts", [
        ...["--server", `https://127.0.0.1:${clientPort}`],
        ...["--host", "127.0.0.1", "--port", `${origin.port}`],
      ], { env }),
    );
    return new Pair(near, far, client, port, certificate, started.move());
  }

  /** Gives the far node another certificate. */
  async renew(): Promise<void> {
    await this.certificate.renew();
    this.far.signal("SIGHUP");
  }

  /** Visits the far node with trust in this certificate alone. */
  async trustsOnly(certificate: string): Promise<void> {
    using visitor = await RawHTTP.openTLS(this.port, certificate);
    const request = `GET / HTTP/1.1\r\nHost: ${this.client.url.host}\r\n\r\n`;
    assertEquals((await visitor.exchange(request)).status, 200);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.owned.disposeAsync();
  }
}

/** Counts how often a node has opened a link. */
function linked(node: Program): number {
  return node.stderr.all.filter((line) => line.includes("another node is linked")).length;
}

/** Asks a node how many links it has that do not go over the bus. */
async function directLinks(port: number): Promise<number> {
  using visitor = await RawHTTP.open(port);
  const { text } = await visitor.exchange("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  return Number(/^tunnel_node_links_direct (\d+)$/m.exec(text)?.[1]);
}
