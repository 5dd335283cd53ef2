import type { Program, ProgramOptions } from "../testing/program.ts";
import type { Tunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";

/** How the programs are run whose copies are counted. */
export const COUNTING: ProgramOptions = { preload: new URL("copy_counter.ts", import.meta.url) };

/** Reads what a tunnel whose programs count says. */
export class Copies {
  readonly #tunnel: Tunnel;
  #asked = 0;

  constructor(tunnel: Tunnel) {
    this.#tunnel = tunnel;
  }

  /** Returns the bytes that server and client have copied so far. */
  async read(): Promise<[server: number, client: number]> {
    const said = new RegExp(`^copied ${++this.#asked}: (\\d+)$`);
    const ask = async (program: Program): Promise<number> => {
      program.signal("SIGUSR2");
      const line = await within(program.stderr.find(said), "the count of copied bytes");
      return Number(line?.[1]);
    };
    return [await ask(this.#tunnel.server), await ask(this.#tunnel.client)];
  }
}
