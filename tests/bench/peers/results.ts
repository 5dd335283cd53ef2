import { figure, markdownTable } from "../table.ts";

/** A line of the table: one kind of figure, or several that belong together. */
export interface Row {
  readonly title: string;
  readonly keys: readonly string[];
}

/** Collects the figures of all rounds. */
export class Results {
  readonly #names: readonly string[];
  readonly #samples = new Map<string, number[]>();
  readonly #failures = new Map<string, number>();

  /** Takes the names of the peers, in the order of the columns. */
  constructor(names: readonly string[]) {
    this.#names = names;
  }

  add(name: string, key: string, value: number): void {
    const id = `${name}\n${key}`;
    const samples = this.#samples.get(id) ?? [];
    samples.push(value);
    this.#samples.set(id, samples);
  }

  /** Notes that a measurement failed, which its figures must not hide. */
  addFailure(name: string, keys: readonly string[]): void {
    for (const key of keys) {
      const id = `${name}\n${key}`;
      this.#failures.set(id, (this.#failures.get(id) ?? 0) + 1);
    }
  }

  /** Writes the medians, each with its ratio to those of `reference`, where that was measured. */
  table(rows: readonly Row[], reference: string): string {
    return markdownTable(
      ["", ...this.#names],
      rows.map((row) => [
        row.title,
        ...this.#names.map((name) => this.#cell(row, name, reference)),
      ]),
    );
  }

  #cell({ keys }: Row, name: string, reference: string): string {
    const shown = keys.map((key) => {
      const median = this.#median(name, key);
      return median === null ? "–" : figure(median);
    }).join(" / ");
    const [key = ""] = keys;
    const failures = this.#failures.get(`${name}\n${key}`) ?? 0;
    const failed = failures === 0 ? "" : ` (${failures} failed)`;
    return `${shown}${keys.length === 1 ? this.#ratio(name, key, reference) : ""}${failed}`;
  }

  #ratio(name: string, key: string, reference: string): string {
    const value = this.#median(name, key);
    const base = this.#median(reference, key);
    if (name === reference || value === null || base === null || base === 0) return "";
    return ` (${(value / base).toFixed(2)} ×)`;
  }

  #median(name: string, key: string): number | null {
    const sorted = (this.#samples.get(`${name}\n${key}`) ?? []).toSorted((a, b) => a - b);
    const upper = sorted[Math.floor(sorted.length / 2)];
    const lower = sorted[Math.ceil(sorted.length / 2) - 1];
    return upper === undefined || lower === undefined ? null : (lower + upper) / 2;
  }
}
