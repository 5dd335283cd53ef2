import type { Figure } from "./baseline.ts";
import { countedLoad } from "./connection_load.ts";
import type { FrameCounts } from "./frame_counts.ts";
import type { FrameTap } from "./frame_tap.ts";
import type { Target } from "./load.ts";
import { countedMessages } from "./peers/websocket_load.ts";
import { upload } from "./transfer.ts";

/** What is done through a tunnel, always as much of it. */
export interface Task {
  readonly name: string;
  /** What the figures are for each of. */
  readonly unit: string;
  /** Bytes of bodies for each unit, both ways together. */
  readonly bodyBytes: number;
  /** Whether nothing but the code decides how much goes into one message: there is one request at a time. */
  readonly isAlone: boolean;
  readonly path: string;
  /** Does it and returns how many units it was. */
  readonly run: (target: Target) => Promise<number>;
}

/** Bytes of the origin's small answer. */
const SMALL = 13;
const MIDDLE = 100_000;

/** Bytes of the upload, and of the unit that its figures are for. */
const UPLOAD = 20_000_000;
const MEGABYTE = 1_000_000;

/** Seconds that the upload may take. */
const UPLOAD_LIMIT = 60;

/** Bytes of a WebSocket's message, which comes back. */
const MESSAGE = 16;
const MESSAGE_BATCHES = 25;

export const TASKS: readonly Task[] = [
  answers("small answers, 1 connection", "/", SMALL, { connections: 1, rounds: 500 }),
  answers("small answers, 32 connections", "/", SMALL, { connections: 32, rounds: 100 }),
  answers("100 KB answers, 8 connections", `/bytes/${MIDDLE}`, MIDDLE, {
    connections: 8,
    rounds: 25,
  }),
  {
    name: `one upload of ${UPLOAD / MEGABYTE} MB`,
    unit: "MB",
    bodyBytes: MEGABYTE,
    isAlone: false,
    path: "/",
    run: async (target) => {
      const { bytes } = await upload(target, UPLOAD, UPLOAD_LIMIT);
      if (bytes < UPLOAD) throw new Error(`the upload took more than ${UPLOAD_LIMIT} s`);
      return UPLOAD / MEGABYTE;
    },
  },
  {
    name: "messages of 16 bytes, 8 WebSockets",
    unit: "message",
    bodyBytes: 2 * MESSAGE,
    isAlone: false,
    path: "/websocket",
    run: (target) => countedMessages(target, MESSAGE_BATCHES),
  },
];

function answers(
  name: string,
  path: string,
  bodyBytes: number,
  load: { readonly connections: number; readonly rounds: number },
): Task {
  return {
    name,
    unit: "request",
    bodyBytes,
    isAlone: load.connections === 1,
    path,
    run: async (target) => {
      await countedLoad(target, load);
      return load.connections * load.rounds;
    },
  };
}

/** Does a task through a tunnel whose client is behind a tap, and tells what passed there. */
export async function frameFigures(task: Task, target: Target, tap: FrameTap): Promise<Figure[]> {
  const [up, down] = [tap.toServer.snapshot(), tap.toClient.snapshot()];
  const units = await task.run(target);
  tap.check();
  const [toServer, toClient] = [tap.toServer.since(up), tap.toClient.since(down)];
  const bytes = (toServer.bytes + toClient.bytes) / units;
  return [
    ...directionFigures(task, "to the client", toClient, units),
    ...directionFigures(task, "to the server", toServer, units),
    {
      name: `${task.name}: bytes beside the body per ${task.unit}`,
      value: bytes - task.bodyBytes,
      tolerance: task.isAlone ? "exact" : "turns",
    },
  ];
}

function directionFigures(
  { name, unit, isAlone }: Task,
  direction: string,
  { messages, frames }: FrameCounts,
  units: number,
): Figure[] {
  const figures: Figure[] = [...frames].filter(([, count]) => count / units >= RARE).sort().map(
    ([type, count]) => ({
      name: `${name}: ${type} frames ${direction} per ${unit}`,
      value: count / units,
      // How a body is cut depends on what arrives together.
      tolerance: isAlone || type !== "Data" && type !== "Window" ? "exact" : "turns",
    }),
  );
  figures.push({
    name: `${name}: WebSocket messages ${direction} per ${unit}`,
    value: messages / units,
    tolerance: isAlone ? "exact" : "turns",
  });
  return figures;
}

/** Frames for each unit below which a type belongs to the beginning or the end of a task. */
const RARE = 0.2;
