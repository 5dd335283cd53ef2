import { within } from "../../testing/within.ts";
import { printLine } from "../../../lib/cli/program.ts";
import type { Link } from "./link.ts";
import { becomeReady, type Measurement } from "./measurements.ts";
import type { Peer, RunningPeer } from "./peer.ts";
import type { Results } from "./results.ts";

export interface Bounds {
  readonly seconds: number;
  /** Bytes of a long body. */
  readonly length: number;
  readonly originPort: number;
}

/** Seconds that a measurement may take beside its own, until its peer counts as stuck. */
const GRACE = 10;

/** Measures all peers in turn, again and again, so that what else the machine does hits all of them alike. */
export class Comparison {
  readonly #peers: readonly Peer[];
  readonly #results: Results;
  readonly #bounds: Bounds;
  readonly #notes = new Set<string>();

  constructor(peers: readonly Peer[], results: Results, bounds: Bounds) {
    this.#peers = peers;
    this.#results = results;
    this.#bounds = bounds;
  }

  /** Starts every peer over such a link and runs the measurements of each round, with one peer after the other. */
  async run(
    makeLink: (owned: AsyncDisposableStack) => Link,
    rounds: readonly (readonly Measurement[])[],
  ): Promise<void> {
    await using owned = new AsyncDisposableStack();
    const running = await this.#start(makeLink(owned), owned);
    for (const [i, measurements] of rounds.entries()) {
      for (const measurement of measurements) {
        printLine(`${i + 1} of ${rounds.length}: ${measurement.name}`);
        for (const [{ name, carriesSmallOnly }, peer] of running) {
          if (carriesSmallOnly && !measurement.isSmall) continue;
          await this.#measure(name, peer, measurement);
        }
      }
    }
  }

  /** What went wrong, which belongs to the table; what did so in every round only once. */
  get notes(): readonly string[] {
    return [...this.#notes];
  }

  async #start(link: Link, owned: AsyncDisposableStack): Promise<[Peer, RunningPeer][]> {
    const running: [Peer, RunningPeer][] = [];
    const { originPort } = this.#bounds;
    for (const peer of this.#peers) {
      const { name } = peer;
      printLine(`starting ${name}`);
      try {
        const started = owned.use(await peer.start({ originPort, link }));
        await becomeReady(started);
        running.push([peer, started]);
      } catch (error) {
        this.#note(`${name} did not start: ${messageOf(error)}`);
      }
    }
    return running;
  }

  async #measure(name: string, peer: RunningPeer, measurement: Measurement): Promise<void> {
    const { seconds } = this.#bounds;
    try {
      const figures = await within(
        measurement.run({ peer, ...this.#bounds }),
        `the end of ${measurement.name}`,
        (seconds + GRACE) * 1000,
      );
      for (const [key, value] of Object.entries(figures)) this.#results.add(name, key, value);
    } catch (error) {
      this.#note(`${name}, ${measurement.name}: ${messageOf(error)}`);
      this.#results.addFailure(name, measurement.keys);
    }
  }

  #note(line: string): void {
    printLine(line);
    this.#notes.add(line);
  }
}

/** Returns what an error says first: what others print behind that is no news. */
function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n")[0] ?? "";
}
