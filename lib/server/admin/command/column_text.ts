import { escapeUnsafe } from "../../../cli/safe_text.ts";

/** Blanks between two columns. */
const GAP = 2;

/** Writes rows of cells below each other; what clients call themselves cannot drive the terminal. */
export function columnText(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => escapeUnsafe(cell)));
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0))
  );
  return cells
    .map((row) =>
      row.map((cell, column) => cell.padEnd((widths[column] ?? 0) + GAP)).join("").trimEnd()
    )
    .join("\n");
}
