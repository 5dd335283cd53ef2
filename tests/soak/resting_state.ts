import type { Program } from "../testing/program.ts";
import { scrape } from "../testing/prometheus.ts";
import { lasting } from "./fault.ts";
import { descriptors, inMegabytes, restingMemory, resumes } from "./process_state.ts";
import { untilHolds } from "./recovery.ts";

/** What memory may have become, beside what it was once warm. */
const MAX_GROWTH = 1.1;

/** Times in a second that a program may wake more often, which is what this varies by; timers that are left over are many. */
const MAX_RESUMES = 2;

/** Looks in a row, a second apart, at which the descriptors must be the same: connections to the origin are kept for 4 s. */
const LOOKS = 8;

/** What programs hold while nobody asks anything of them. */
export class RestingState {
  private constructor(
    readonly programs: readonly ProgramState[],
    /** What the server's metrics show of now: tunnels, connections, streams. */
    readonly gauges: string,
  ) {}

  /** Looks at a server and its clients once no stream is left and nothing is closed any more. */
  static async of(server: Program, ...clients: readonly Program[]): Promise<RestingState> {
    await untilHolds(
      "no streams",
      async () => (await scrape(server)).value("tunnel_streams") === 0,
    );
    const programs = await Promise.all([server, ...clients].map(stateOf));
    return new RestingState(programs, await gaugesOf(server));
  }

  /** Whether nothing of it is more than before, but for memory's tenth. */
  isLike(before: RestingState): boolean {
    return this.gauges === before.gauges && this.programs.every((now, i) => {
      const then = before.programs[i];
      return then !== undefined && now.memory <= then.memory * MAX_GROWTH &&
        now.descriptors <= then.descriptors && now.resumes <= then.resumes + MAX_RESUMES;
    });
  }

  toString(): string {
    const all = (what: (state: ProgramState) => string) => this.programs.map(what).join(" + ");
    return `${all(({ memory }) => inMegabytes(memory))}, ${
      all(({ descriptors }) => `${descriptors}`)
    } descriptors, ${all(({ resumes }) => resumes.toFixed(1))} resumes a second, ${this.gauges}`;
  }
}

/** What one program holds. */
interface ProgramState {
  /** Bytes. */
  readonly memory: number;
  /** Sockets and files. */
  readonly descriptors: number;
  /** How often in a second one of its threads wakes up, as for a timer. */
  readonly resumes: number;
}

async function stateOf(program: Program): Promise<ProgramState> {
  let open = await descriptors(program);
  for (let looks = 0; looks < LOOKS; looks++) {
    await lasting(1);
    const now = await descriptors(program);
    if (now !== open) looks = 0;
    open = now;
  }
  return {
    descriptors: open,
    resumes: await resumes(program),
    memory: await restingMemory(program),
  };
}

async function gaugesOf(server: Program): Promise<string> {
  const { families } = await scrape(server);
  const gauges = [...families.values()].filter(({ type }) => type === "gauge");
  return gauges.flatMap(({ samples }) =>
    samples.map(({ name, value }) => `${name.replace("tunnel_", "")} ${value}`)
  ).join(", ");
}
