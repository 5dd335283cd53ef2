/** Writes a table as `deno fmt` does, so that what a task writes is also what is formatted. */
export function markdownTable(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = titles.map((title, column) =>
    Math.max(3, ...[titles, ...rows].map((row) => (row[column] ?? title).length))
  );
  const line = (cells: readonly string[], filler = " "): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0, filler)).join(" | ")} |`;
  return [line(titles), line(titles.map(() => ""), "-"), ...rows.map((row) => line(row))]
    .join("\n");
}

/** Writes a sentence for a cell: what Markdown would take for something else stands in backquotes. */
export function tableText(text: string): string {
  return escaped(text).replace(CODE, (word) => `\`${word}\``);
}

/** Writes a text for a cell that is in backquotes already, or that a document may format. */
export function escaped(text: string): string {
  return text.replaceAll("|", "\\|");
}

/** Flags, placeholders, URLs, paths and patterns. */
const CODE = /(?<![\w-])(?:--[a-z-]+|[^\s,()]*(?:<|:\/\/|\*)[^\s,();]*|\/[a-z]+|::)/g;
