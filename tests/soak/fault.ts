import type { MarkedLoad, MarkedLoadOptions } from "./marked_load.ts";

/** What a fault is told, and what it gives its loads to be judged by. */
export interface SoakContext {
  /** Requests a second of a load. */
  readonly rate: number;
  /** How long an hour's traffic lasts; of less than ten there is a part of it. */
  readonly minutes: number;
  /** Starts a load whose answers count towards the invariant of all faults. */
  load(options: Omit<MarkedLoadOptions, "rate"> & { readonly rate?: number }): MarkedLoad;
}

/** What came out: `left out` where this machine cannot do it, `elsewhere` where another test does, `to compare` without a target. */
export interface Outcome {
  readonly measured: string;
  readonly result: "held" | "MISSED" | "left out" | "elsewhere" | "to compare";
}

/** Something that is done to a tunnel, and what must hold then. */
export interface Fault {
  /** The id of the list of faults, with a letter where there are several of one. */
  readonly id: string;
  readonly name: string;
  readonly how: string;
  readonly target: string;
  readonly run: (context: SoakContext) => Promise<Outcome>;
}

/** Faults that are tried one after the other, or at the same time where they mostly wait. */
export interface Family {
  readonly faults: readonly Fault[];
  readonly atOnce: boolean;
}

/** Judges a measurement. */
export function judged(holds: boolean, measured: string): Outcome {
  return { measured, result: holds ? "held" : "MISSED" };
}

/** Says why something cannot be tried here. */
export function leftOut(measured: string): Outcome {
  return { measured, result: "left out" };
}

/** Makes a fault that another test tries; the table names it, so that the list is whole. */
export function elsewhere(id: string, name: string, where: string, target: string): Fault {
  const outcome: Outcome = { measured: `see ${where}`, result: "elsewhere" };
  return { id, name, how: "", target, run: () => Promise.resolve(outcome) };
}

/** Writes milliseconds for people. */
export function inSeconds(milliseconds: number): string {
  return milliseconds < 1000
    ? `${Math.round(milliseconds)} ms`
    : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** Lets a fault last. */
export async function lasting(seconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
