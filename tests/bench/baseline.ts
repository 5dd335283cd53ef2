import { markdownTable } from "./table.ts";

/** Something that was measured, of which less is better. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly tolerance: Tolerance;
}

/** How many times what it was a figure may be. */
export const TOLERANCES = {
  /** What the code alone decides. */
  exact: 1.25,
  /** What depends as well on how much happens to arrive in one turn of the event loop. */
  turns: 2,
  /** What is measured by the clock, as a ratio to something measured in the same minute. */
  clock: 2,
} as const;

export type Tolerance = keyof typeof TOLERANCES;

/** Differences below this are none: a figure may have been zero. */
const NOISE = 0.02;

/** Figures as they were when somebody found them good. */
export class Baseline {
  readonly #figures: ReadonlyMap<string, number>;

  private constructor(figures: ReadonlyMap<string, number>) {
    this.#figures = figures;
  }

  /** Reads what `write` wrote; a file that is missing holds nothing. */
  static async read(file: URL): Promise<Baseline> {
    try {
      const { figures }: { figures: Record<string, number> } = JSON.parse(
        await Deno.readTextFile(file),
      );
      return new Baseline(new Map(Object.entries(figures)));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return new Baseline(new Map());
      throw error;
    }
  }

  /** Stores figures, with the versions and the machine they were measured with. */
  static async write(file: URL, figures: readonly Figure[], measuredWith: string): Promise<void> {
    const rounded = figures.map(({ name, value }) => [name, Number(value.toPrecision(4))]);
    const content = { measuredWith, figures: Object.fromEntries(rounded) };
    await Deno.writeTextFile(file, `${JSON.stringify(content, null, 2)}\n`);
  }

  /** Sets figures beside those stored; `worse` names the ones that grew beyond their tolerance. */
  compare(figures: readonly Figure[]): Comparison {
    const worse: string[] = [];
    const rows = figures.map((figure) => {
      const before = this.#figures.get(figure.name);
      const verdict = judge(figure, before);
      if (verdict === WORSE) worse.push(figure.name);
      return [
        figure.name,
        shown(figure.value),
        before === undefined ? "" : shown(before),
        `${TOLERANCES[figure.tolerance]} ×`,
        verdict,
      ];
    });
    const table = markdownTable(["less is better", "now", "baseline", "may be", "verdict"], rows);
    const measured = new Set(figures.map(({ name }) => name));
    const missing = [...this.#figures.keys()].filter((name) => !measured.has(name));
    return { table, worse, missing };
  }
}

export interface Comparison {
  readonly table: string;
  readonly worse: readonly string[];
  /** Stored figures that were not measured this time. */
  readonly missing: readonly string[];
}

const WORSE = "WORSE";

function judge({ value, tolerance }: Figure, before: number | undefined): string {
  if (before === undefined) return "new";
  if (Math.abs(value - before) <= NOISE) return "as before";
  const factor = TOLERANCES[tolerance];
  if (value > before * factor) return WORSE;
  return value < before / factor ? "better" : "as before";
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
