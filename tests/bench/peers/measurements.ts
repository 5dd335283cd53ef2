import { eventually } from "../../testing/eventually.ts";
import { connectionLoad } from "../connection_load.ts";
import { type Load, load, type Target } from "../load.ts";
import { CONNECTIONS, MIDDLE } from "../settings.ts";
import { download, upload } from "../transfer.ts";
import type { RunningPeer } from "./peer.ts";
import { processUsage } from "./process_usage.ts";
import { webSocketLoad } from "./websocket_load.ts";

/** Figures by key: what the rows of the table ask for. */
export type Figures = Readonly<Record<string, number>>;

export interface Conditions {
  readonly peer: RunningPeer;
  readonly originPort: number;
  /** Seconds that each lasts at most, but for what it takes to begin and to end. */
  readonly seconds: number;
  /** Bytes of a long body. */
  readonly length: number;
}

/** One thing to measure of a peer that runs. */
export interface Measurement {
  readonly name: string;
  readonly keys: readonly string[];
  /** Whether it is about small answers, or none. */
  readonly isSmall?: boolean;
  readonly run: (conditions: Conditions) => Promise<Figures>;
}

/** Connections that CPU and answers of middle length are measured over. */
const SOME = 32;

/** Seconds until a runtime has compiled what is used most: some twenty thousand requests, of which a server sees more in an hour. */
const WARM_UP_SECONDS = 6;

/** What a peer shows its usual speed after: compiled code and grown pools are what it has for all but its first minute. */
export const WARM_UP: Measurement = {
  name: "warm-up",
  keys: [],
  isSmall: true,
  run: async ({ peer }) => {
    await load(target(peer, "/"), { connections: SOME, seconds: WARM_UP_SECONDS });
    return {};
  },
};

export const IDLE_MEMORY: Measurement = memory("idle");
export const PEAK_MEMORY: Measurement = memory("peak");

/** What is measured over the loopback interface, in order. */
export const LOCAL: readonly Measurement[] = [
  ...CONNECTIONS.map(smallAnswers),
  middleAnswers(),
  { name: "download", keys: ["download"], run: longDownload },
  { name: "upload", keys: ["upload"], run: longUpload },
  { name: "WebSocket", keys: ["messages"], run: messages },
];

/** What is measured over a long link. */
export const FAR: readonly Measurement[] = [
  {
    name: "1 connection over the long link",
    keys: ["far p50", "far p99"],
    isSmall: true,
    run: async (conditions) => {
      const { p50, p99 } = await answers(conditions, "/", 1);
      return { "far p50": p50, "far p99": p99 };
    },
  },
  {
    name: "download over the long link",
    keys: ["far download"],
    run: async (conditions) => ({ "far download": (await longDownload(conditions)).download }),
  },
  {
    name: "upload over the long link",
    keys: ["far upload"],
    run: async (conditions) => ({ "far upload": (await longUpload(conditions)).upload }),
  },
];

/**
 * Returns the same without figures. A runtime compiles what is asked of it for the first time while it is measured, and
 * much else anew after that, so that a round of everything goes before those that count.
 */
export function uncounted(measurement: Measurement): Measurement {
  const run = async (conditions: Conditions): Promise<Figures> => {
    await measurement.run(conditions);
    return {};
  };
  return { ...measurement, name: `${measurement.name}, not counted`, keys: [], run };
}

/** Waits until a visitor gets an answer. @throws {Error} when none comes. */
export async function becomeReady(peer: RunningPeer): Promise<void> {
  const once = { connections: 1, seconds: 1e-3 };
  await eventually("an answer", async () => {
    return (await connectionLoad(target(peer, "/"), once)).requests > 0;
  });
}

function smallAnswers(connections: number): Measurement {
  const key = (name: string): string => `${name}, ${connections}`;
  return {
    name: `small answers, ${connections} connection${connections === 1 ? "" : "s"}`,
    keys: [key("rate"), key("p50"), key("p99"), key("cpu")],
    isSmall: true,
    run: async (conditions) => {
      const { pids } = conditions.peer;
      const before = await processUsage(pids);
      const { requests, seconds, p50, p99 } = await answers(conditions, "/", connections);
      const { cpu } = await processUsage(pids);
      return {
        [key("rate")]: requests / seconds,
        [key("p50")]: p50,
        [key("p99")]: p99,
        ...pids.length > 0 && { [key("cpu")]: (cpu - before.cpu) * 1e6 / requests },
      };
    },
  };
}

function middleAnswers(): Measurement {
  return {
    name: `answers of ${MIDDLE / 1000} KB`,
    keys: ["middle"],
    run: async (conditions) => {
      const { requests, seconds } = await answers(conditions, `/bytes/${MIDDLE}`, SOME);
      return { middle: requests * MIDDLE / 1e6 / seconds };
    },
  };
}

function memory(key: "idle" | "peak"): Measurement {
  return {
    name: `${key} memory`,
    keys: [key],
    isSmall: true,
    run: async ({ peer: { pids } }) => {
      const usage = await processUsage(pids);
      const bytes = key === "idle" ? usage.memory : usage.peakMemory;
      return pids.length === 0 ? {} : { [key]: bytes / 1e6 };
    },
  };
}

async function longDownload({ peer, seconds, length }: Conditions): Promise<{ download: number }> {
  const result = await download(target(peer, `/stream/${length}`), length, seconds);
  return { download: result.bytes / 1e6 / result.seconds };
}

/** Counts what the origin received, since much of what was sent may still be on its way at the end. */
async function longUpload(
  { peer, originPort, seconds, length }: Conditions,
): Promise<{ upload: number }> {
  const before = await received(originPort);
  const started = performance.now();
  await upload(target(peer, "/"), length, seconds);
  const bytes = await received(originPort) - before;
  return { upload: bytes / 1e3 / (performance.now() - started) };
}

async function received(originPort: number): Promise<number> {
  return Number(await (await fetch(`http://127.0.0.1:${originPort}/received`)).text());
}

async function messages({ peer, seconds }: Conditions): Promise<Figures> {
  return { messages: await webSocketLoad(target(peer, "/websocket"), seconds) };
}

async function answers(
  { peer, seconds }: Conditions,
  path: string,
  connections: number,
): Promise<Load> {
  return await load(target(peer, path), { connections, seconds });
}

function target({ port, host }: RunningPeer, path: string): Target {
  return { port, host, path };
}
