import { newSigningKey } from "../testing/ed25519.ts";
import { Program } from "../testing/program.ts";
import { Subscriber } from "../testing/subscriber.ts";
import { Tunnel } from "../testing/tunnel.ts";
import { type Family, judged, lasting, leftOut, type Outcome, type SoakContext } from "./fault.ts";
import { MarkedOrigin } from "./marked_origin.ts";
import { connections } from "./process_state.ts";
import { untilHolds } from "./recovery.ts";
import {
  beyondValidity,
  hasLostNothing,
  LEAP,
  LEAP_INTERVAL,
  lightLoad,
  restless,
} from "./odd_clocks.ts";
import { NO_WALL_CLOCK, PROBED, WallClock } from "./wall_clock.ts";

/** What the clock shows after each jump, in seconds beside the right time. */
const OFFSETS = [3_600, -3_600, 86_400, 0];

/** Requests a second that the server allows: twice the load's. */
const LIMIT = 20;
/** Requests at once, of which the limit lets some through. */
const BURST = 60;

const HOW = "+1 h, -1 h, +1 day, back; libfaketime";
const TARGET =
  "0 requests fail, no connection is lost; after each jump newcomers register, a taken name stays taken, the rate limit lets through what it did";

/** Wall clocks that jump while the programs run; mostly waiting. */
export const clock: Family = {
  atOnce: true,
  faults: [
    {
      id: "F17a",
      name: "clock of both jumps",
      how: HOW,
      target: TARGET,
      run: (context) => withClock((clock) => jumps(context, clock, "both")),
    },
    {
      id: "F17b",
      name: "clock of the server jumps",
      how: HOW,
      target: TARGET,
      run: (context) => withClock((clock) => jumps(context, clock, "server")),
    },
    {
      id: "F17c",
      name: "clock of the client jumps",
      how: HOW,
      target: TARGET,
      run: (context) => withClock((clock) => jumps(context, clock, "client")),
    },
    {
      id: "F17d",
      name: "restless clock",
      how: `+${LEAP} s every ${LEAP_INTERVAL / 1_000} s at the server; SIGSTOP of the client`,
      target: "0 requests fail before; the client is found dead in 20 s and a beat",
      run: (context) => withClock((clock) => restless(context, clock)),
    },
    {
      id: "F17e",
      name: "clock beyond the certificate",
      how:
        "https, the client's clock jumps 200 years, the server is restarted, the clock is right again",
      target:
        "no connection lost by the jump; then a reason that names the certificate; back in 12 s",
      run: () => withClock(beyondValidity),
    },
  ],
};

async function withClock(run: (clock: WallClock) => Promise<Outcome>): Promise<Outcome> {
  await using clock = await WallClock.make();
  return clock === null ? leftOut(NO_WALL_CLOCK) : await run(clock);
}

/** Whose clock jumps. */
type Whose = "both" | "server" | "client";

async function jumps(context: SoakContext, clock: WallClock, whose: Whose): Promise<Outcome> {
  await using origin = MarkedOrigin.start();
  const args = ["--hostname", "127.0.0.1", "--port", "0", "--rate-limit", `${LIMIT}/s`];
  await using server = await Program.start("server.ts", args, whose === "client" ? {} : clock);
  const start = (...args: string[]) =>
    Program.start("client.ts", [
      ...["--server", server.url.origin, "--host", "127.0.0.1", "--port", `${origin.port}`],
      ...args,
    ], whose === "server" ? {} : clock);
  await using client = await start("--name", "taken");
  await using tunnel = new Tunnel(server, client, new AsyncDisposableStack());
  await untilHolds("both connections", async () => await connections(server) === 2);
  const bursts: number[] = [];
  let failed = 0, count = 0, newcomers = 0, refusals = 0;
  for (const offset of OFFSETS) {
    await using load = lightLoad(context, tunnel, origin);
    await lasting(1);
    await clock.jump(offset);
    await lasting(PROBED);
    const visits = await load.stop();
    failed += visits.failed;
    count += visits.count;
    bursts.push(await allowed(tunnel));
    await using newcomer = await start();
    await using its = new Tunnel(server, newcomer, new AsyncDisposableStack());
    if ((await its.request("/")).status === 200) newcomers++;
    if (await isRefused(server, "taken")) refusals++;
  }
  const isQuiet = hasLostNothing(client);
  // A request of the load may just have taken its share, and the burst takes its time.
  const isLimited = bursts.every((passed) => passed > LIMIT / 2 && passed < LIMIT * 2);
  const all = OFFSETS.length;
  return judged(
    failed === 0 && isQuiet && newcomers === all && refusals === all && isLimited,
    `${failed} of ${count} failed; connections lost: ${isQuiet ? "none" : "some"}; after ${all} ` +
      `jumps ${newcomers} newcomers registered, the name was refused ${refusals} times, and of ` +
      `${BURST} requests at once ${bursts.join(", ")} were let through`,
  );
}

/** Sends many requests at once and returns how many were let through; the others must be 429. */
async function allowed(tunnel: Tunnel): Promise<number> {
  const answers = await Promise.all(Array.from({ length: BURST }, () => tunnel.request("/")));
  const passed = answers.filter(({ status }) => status === 200).length;
  const limited = answers.filter(({ status }) => status === 429).length;
  if (passed + limited !== BURST) throw new Error("requests at once were answered wrongly");
  // The bucket is full again for the next case.
  await lasting(1.2);
  return passed;
}

/** Tells whether a stranger is refused a name. */
async function isRefused(server: Program, name: string): Promise<boolean> {
  using stranger = await Subscriber.connect(server);
  const answer = await stranger.answer(await stranger.claim(await newSigningKey(), { name }));
  return JSON.stringify(answer).includes("name_taken");
}
