import { connectionLoad } from "./connection_load.ts";
import { hasWrk, wrkLoad } from "./wrk.ts";

/** Where requests go: always to this machine, whatever the Host says. */
export interface Target {
  readonly port: number;
  /** The Host field. */
  readonly host: string;
  readonly path: string;
}

export interface LoadOptions {
  readonly connections: number;
  /** Whole seconds to go on for. */
  readonly seconds: number;
}

/** What came of a load. */
export interface Load {
  readonly requests: number;
  /** Seconds that it took in fact. */
  readonly seconds: number;
  /** Latencies in milliseconds: half of the answers came within the first, all but one of a hundred within the second. */
  readonly p50: number;
  readonly p99: number;
}

/** Tells which generator `load` uses. */
export async function generatorName(): Promise<string> {
  return await hasWrk() ? "wrk" : "a generator of its own (wrk is not on the PATH)";
}

/**
 * Asks for one path over and over, one request at a time on each connection.
 *
 * @throws {Error} when an answer fails or has another status than 200: a rate of errors says nothing.
 */
export async function load(target: Target, options: LoadOptions): Promise<Load> {
  return await hasWrk() ? await wrkLoad(target, options) : await connectionLoad(target, options);
}
