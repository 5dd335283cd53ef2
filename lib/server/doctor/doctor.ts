import { type Finding, unknown } from "../../cli/doctor/finding.ts";
import { Probes } from "../../cli/doctor/probes.ts";
import { checkPublicWay } from "../../cli/doctor/public_checks.ts";
import type { PublicWay } from "../../cli/doctor/public_way.ts";
import type { ServerOptions } from "../options.ts";
import type { Certificate } from "../tls/certificate_source.ts";
import { checkCertificate } from "./certificate_check.ts";
import { checkDNS, type DNSCheckOptions } from "./dns_checks.ts";
import { checkForwarded } from "./forwarded_check.ts";
import { checkClock, checkDescriptors } from "./machine_checks.ts";
import { checkNodes } from "./nodes_check.ts";
import { checkPort } from "./port_check.ts";
import { checkRedis } from "./redis_checks.ts";
import { StandIn } from "./stand_in.ts";

/** What the server is to be started with, and what a doctor is told beside. */
export interface ExaminationOptions extends
  Pick<
    ServerOptions,
    "domain" | "fixed" | "publicUrl" | "tls" | "acme" | "trustProxy" | "hostname" | "port" | "bus"
  >,
  Pick<ServerOptions, "clientPort" | "httpPort" | "adminToken">,
  Pick<DNSCheckOptions, "nameServer">,
  Pick<PublicWay, "patience"> {
  /** Authorities in PEM that are trusted for the public URL beside the usual ones. @default [] */
  readonly authorities?: readonly string[];
}

/** Bytes sent each way: enough to see what caps bodies, and quick on the way out and in again. */
const SIZE = 10_000_000;

/** Looks at what a server needs, and at the way to it while a doctor stands in its place. */
export async function* examine(options: ExaminationOptions): AsyncGenerator<Finding> {
  const { bus, hostname, port, acme, tls, domain, adminToken } = options;
  yield* checkDNS({ ...options, needsChallenge: acme !== null && acme.hook === null });
  const certificate = await checkCertificate(options);
  yield certificate;
  yield await checkDescriptors();
  const redis = bus === "memory" ? null : await checkRedis(bus);
  yield checkClock(redis?.time ?? null);
  if (redis !== null) {
    yield* redis.findings;
    if (redis.time !== null) yield await checkNodes({ bus, domain, adminToken });
  }
  const { finding, isFree } = checkPort("port", { hostname, port });
  yield finding;
  for (const [check, other] of furtherPorts(options)) {
    if (other !== null) yield checkPort(check, { hostname, port: other }).finding;
  }
  if (acme !== null) {
    yield unknown(WAY, "once the server has its certificate, tunnel-client doctor looks at it");
  } else if (isFree && (tls === null || certificate.verdict === "right")) {
    yield* checkWay(options);
  } else {
    yield unknown(WAY, "it is looked at while the port is free and the certificate is right");
  }
}

/** What is found by coming in as a visitor. */
const WAY = "public URL";

/** Returns the ports beside the public one, null for those that are not wanted. */
function furtherPorts(
  { clientPort, httpPort, acme, fixed }: ExaminationOptions,
): readonly (readonly [check: string, port: number | null])[] {
  const dnsPort = acme === null || acme.hook !== null || fixed ? null : acme.dnsPort;
  return [["client port", clientPort], ["HTTP port", httpPort], ["DNS port", dnsPort]];
}

/** Listens in the server's place, and comes by the public URL as a visitor of a tunnel. */
async function* checkWay(options: ExaminationOptions): AsyncGenerator<Finding> {
  const { hostname, port, trustProxy, authorities = [], patience } = options;
  const probes = new Probes();
  const tls = await certificateOf(options);
  await using _standIn = new StandIn({ hostname, port, tls, probes });
  const url = tunnelUrl(options);
  const isBehindProxy = tls === null && url.protocol === "https:";
  const way = { way: { url, proxy: null, authorities }, probes, ...(patience && { patience }) };
  let isReached = true;
  for await (const finding of checkPublicWay({ ...way, size: SIZE, silence: null })) {
    yield finding;
    isReached &&= finding.check !== WAY || finding.verdict === "right";
  }
  if (isReached) yield await checkForwarded({ ...way, trustProxy, isBehindProxy });
}

async function certificateOf({ tls }: ExaminationOptions): Promise<Certificate | null> {
  if (tls === null) return null;
  const { certFile, keyFile } = tls;
  return { cert: await Deno.readTextFile(certFile), key: await Deno.readTextFile(keyFile) };
}

/** Returns the public URL of a tunnel that a server with these options could have. */
function tunnelUrl({ publicUrl, domain, port, tls, fixed }: ExaminationOptions): URL {
  const url = new URL(publicUrl ?? `${tls === null ? "http" : "https"}://${domain}:${port}`);
  if (!fixed) url.hostname = `doctor-${crypto.randomUUID().slice(0, 8)}.${domain}`;
  return url;
}
