import { CERTIFICATE } from "../testing/certificate.ts";
import { freePorts } from "../testing/front_proxy.ts";
import { Program } from "../testing/program.ts";
import { startTunnel, type Tunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";
import { inSeconds, judged, lasting, type Outcome, type SoakContext } from "./fault.ts";
import type { MarkedLoad } from "./marked_load.ts";
import { MarkedOrigin } from "./marked_origin.ts";
import { connections } from "./process_state.ts";
import { untilHolds } from "./recovery.ts";
import { PROBED, type WallClock } from "./wall_clock.ts";

/** Seconds of two hundred years, beyond the end of any certificate here. */
const BEYOND_VALIDITY = 200 * 365 * 86_400;

/** Seconds that a restless clock goes ahead by each time: more than a beat may be late, as after a sleep. */
export const LEAP = 10;
/** Milliseconds between two leaps: less than a probe takes. */
export const LEAP_INTERVAL = 2_000;

/** Milliseconds in which a silent peer is found dead: 20 s, the beat and a busy machine. */
const FOUND = 22_500;

/** Milliseconds in which a client tries again: the longest wait, and a busy machine. */
const RETRIED = 12_000;

/** Requests a second of a light load. */
const RATE = 10;

/** Begins a load that leaves most of the machine, and of a rate limit, to what is tried. */
export function lightLoad(context: SoakContext, tunnel: Tunnel, origin: MarkedOrigin): MarkedLoad {
  return context.load({
    rate: Math.min(RATE, context.rate),
    port: Number(tunnel.server.url.port),
    host: tunnel.host,
    origin,
  });
}

/** Tells whether a client has lost no connection so far. */
export function hasLostNothing(client: Program): boolean {
  return !/not connected/.test(`${client.stderr}`);
}

/** Lets a server's clock go ahead again and again, which looks like sleep, and stops its client. */
export async function restless(context: SoakContext, clock: WallClock): Promise<Outcome> {
  await using origin = MarkedOrigin.start();
  const args = ["--hostname", "127.0.0.1", "--port", "0"];
  await using server = await Program.start("server.ts", args, clock);
  await using tunnel = await startTunnel({ origin, server });
  await untilHolds("both connections", async () => await connections(server) === 2);
  let ahead = 0;
  const leaping = setInterval(() => clock.jump(ahead += LEAP), LEAP_INTERVAL);
  try {
    await using load = lightLoad(context, tunnel, origin);
    await lasting(10);
    const visits = await load.stop();
    tunnel.client.signal("SIGSTOP");
    const gone = async () => await connections(server) === 0;
    const found = await untilHolds("the server", gone).catch(() => Infinity);
    return judged(
      visits.failed === 0 && found <= FOUND,
      `before: ${visits}; found ${found === Infinity ? "never" : `after ${inSeconds(found)}`}`,
    );
  } finally {
    clearInterval(leaping);
  }
}

/** Lets a client's clock leave the time in which its server's certificate is valid, and come back. */
export async function beyondValidity(clock: WallClock): Promise<Outcome> {
  await using origin = MarkedOrigin.start();
  const port = `${freePorts().server}`;
  const { certFile, keyFile } = CERTIFICATE;
  const args = ["--hostname", "127.0.0.1", "--port", port];
  const start = () =>
    Program.start("server.ts", [...args, "--tls-cert", certFile, "--tls-key", keyFile]);
  await using first = await start();
  const env = { ...clock.env, DENO_CERT: certFile };
  await using client = await Program.start("client.ts", [
    ...["--server", `https://127.0.0.1:${port}`, "--host", "127.0.0.1", "--port", `${origin.port}`],
  ], { env });
  await clock.jump(BEYOND_VALIDITY);
  await lasting(PROBED);
  const isQuiet = hasLostNothing(client);
  await first.stop("SIGKILL");
  await using _second = await start();
  const [, reason] = await within(client.stderr.find(/still .*?: (.*certificate.*)$/), "why") ??
    [];
  await clock.jump(0);
  const back = await untilHolds("the client", () => /\d again$/m.test(`${client.stderr}`));
  return judged(
    isQuiet && reason !== undefined && back <= RETRIED,
    `connections lost by the jump: ${isQuiet ? "none" : "some"}; ${reason}; back after ${
      inSeconds(back)
    }`,
  );
}
