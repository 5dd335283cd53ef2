import { wrap } from "../wrap.ts";
import { escapeUnsafe } from "../safe_text.ts";
import { SYSTEM_RUNTIME } from "../system_runtime.ts";
import type { Finding } from "./finding.ts";

export interface FindingTableOptions {
  /** Write one object of JSON at the end in place of a line for each finding. */
  readonly json: boolean;
  /** Columns of the terminal. @default 80 */
  readonly columns?: number;
  /** Takes each line, without its end. */
  readonly write: (line: string) => void;
}

/** Characters: the usual width of a terminal. */
const USUAL_COLUMNS = 80;

/** Characters before a finding's text: its mark, and the longest name of a check. */
const INDENT = 17;

/** Columns that leave room for a text behind that. */
const LEAST_COLUMNS = 40;

const MARKS = { right: "✓", wrong: "✗", unknown: "–" } as const;

/** Columns of a line that still reads well. */
const MOST_COLUMNS = 100;

/** Makes the table of a doctor that prints to standard output. */
export function printedTable({ json }: { readonly json: boolean }): FindingTable {
  const columns = SYSTEM_RUNTIME.stdout.isTerminal()
    ? Math.min(SYSTEM_RUNTIME.columns(), MOST_COLUMNS)
    : USUAL_COLUMNS;
  return new FindingTable({ json, columns, write: console.log });
}

/** Shows what a doctor finds, each finding as soon as it is there, and sums it up. */
export class FindingTable {
  readonly #options: FindingTableOptions;
  readonly #findings: Finding[] = [];
  #server = "";

  constructor(options: FindingTableOptions) {
    this.#options = options;
  }

  /** Shows which server the findings are about. */
  head(server: string): void {
    this.#server = server;
    if (!this.#options.json) this.#options.write(escapeUnsafe(server));
  }

  add(finding: Finding): void {
    this.#findings.push(finding);
    const { json, write } = this.#options;
    if (json) return;
    const { check, verdict, text, advice } = finding;
    const width = Math.max(LEAST_COLUMNS, this.#options.columns ?? USUAL_COLUMNS) - INDENT;
    // What a peer says must not drive the terminal.
    const [first = "", ...rest] = [text, ...(advice === null ? [] : [advice])]
      .flatMap((part) => wrap(escapeUnsafe(part), width));
    write(`${MARKS[verdict]} ${check}`.padEnd(INDENT) + first);
    for (const line of rest) write(" ".repeat(INDENT) + line);
  }

  /** Writes the sum, or the object of JSON, and returns whether nothing was wrong. */
  end(): boolean {
    const { json, write } = this.#options;
    const wrong = this.#findings.filter(({ verdict }) => verdict === "wrong").length;
    if (json) {
      write(JSON.stringify({ server: this.#server, ok: wrong === 0, findings: this.#findings }));
    } else write(summary(wrong, this.#findings.length));
    return wrong === 0;
  }
}

function summary(wrong: number, all: number): string {
  if (wrong === 0) return "Nothing needs a hand.";
  return `${wrong} of ${all} ${wrong === 1 ? "needs" : "need"} a hand.`;
}
