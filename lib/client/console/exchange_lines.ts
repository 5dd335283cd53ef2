import { timeOfDay } from "../../cli/log.ts";
import { exchangeLine, outcomeOf, type ShownExchange } from "./exchange_line.ts";
import type { Paint } from "./paint.ts";

/** Lines in one second: more than that nobody reads, and a terminal takes its time for each. */
const MAX_LINES = 10;

/** Outcomes that a sum names: the others are added up. */
const MAX_OUTCOMES = 4;

/** Where a sum begins: behind the time. */
const INDENT = " ".repeat(10);

export interface ExchangeLinesOptions {
  readonly write: (line: string) => void;
  readonly columns: () => number;
  /** Characters of the names of tunnels; 0 where there is one without a name. */
  readonly nameColumn: () => number;
  readonly paint: Paint;
}

/** Writes a line for each exchange; of a burst it writes the first ones, and sums up the rest of the second. */
export class ExchangeLines {
  readonly #options: ExchangeLinesOptions;
  #written = 0;
  /** How many exchanges of the present second have no line, by outcome. */
  readonly #rest = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(options: ExchangeLinesOptions) {
    this.#options = options;
  }

  /** Writes a line, or counts the exchange. */
  add(exchange: ShownExchange): void {
    this.#timer ??= setTimeout(() => this.#endSecond(), 1000);
    if (this.#written === MAX_LINES) {
      const outcome = outcomeOf(exchange);
      this.#rest.set(outcome, (this.#rest.get(outcome) ?? 0) + 1);
      return;
    }
    this.#written++;
    const { write, columns, nameColumn, paint } = this.#options;
    const layout = { columns: columns(), nameColumn: nameColumn() };
    write(exchangeLine(exchange, { time: timeOfDay(), ...layout, paint }));
  }

  /** Writes the sum of what was only counted, and ends. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#endSecond();
  }

  #endSecond(): void {
    this.#timer = null;
    this.#written = 0;
    if (this.#rest.size === 0) return;
    const { write, columns, paint } = this.#options;
    const sum = sumOf(this.#rest);
    this.#rest.clear();
    write(paint("dim", `${INDENT}${sum}`.slice(0, columns())));
  }
}

function sumOf(rest: ReadonlyMap<string, number>): string {
  const kinds = [...rest].sort(([, a], [, b]) => b - a);
  const total = kinds.reduce((sum, [, count]) => sum + count, 0);
  const named = kinds.slice(0, MAX_OUTCOMES);
  const others = total - named.reduce((sum, [, count]) => sum + count, 0);
  const parts = named.map(([outcome, count]) => `${count} × ${outcome}`);
  if (others > 0) parts.push(`${others} others`);
  return `… ${total} more in this second: ${parts.join(", ")}`;
}
