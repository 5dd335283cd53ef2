/** The text of PROTOCOL.md. */
export const PROTOCOL_DOCUMENT = await Deno.readTextFile(
  new URL("../../lib/wire/PROTOCOL.md", import.meta.url),
);

/** Returns the rows of its table whose first column has that title. */
export function tableOf(title: string): (readonly string[])[] {
  const lines = PROTOCOL_DOCUMENT.split("\n");
  const start = lines.findIndex((line) => cells(line)[0] === title);
  const rows: (readonly string[])[] = [];
  for (let at = start + 2; lines[at]?.startsWith("|"); at++) rows.push(cells(lines[at] ?? ""));
  return rows;
}

/** Returns the heads that it says are refused, and why; each character is an octet. */
export function refusedHeads(
  kind: "request" | "response",
): { readonly rule: string; readonly head: string }[] {
  return tableOf(`refused in a ${kind}`).map(([rule = "", example = ""]) => ({
    rule,
    head: octetsOf(example),
  }));
}

/** Returns the answers of an origin that it says are mended, or refused, and what is wrong with each. */
export function originAnswers(
  kind: "mended" | "refused",
): { readonly fault: string; readonly answer: string }[] {
  return tableOf(`${kind} in an origin's answer`).map(([fault = "", example = ""]) => ({
    fault,
    answer: octetsOf(example),
  }));
}

function octetsOf(example: string): string {
  return example.slice(1, -1).replace(
    /\\([rnt0])/g,
    (_, letter: string) => ESCAPES.get(letter) ?? "",
  );
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["r", "\r"],
  ["n", "\n"],
  ["t", "\t"],
  ["0", "\0"],
]);

function cells(line: string): string[] {
  return line.split("|").slice(1, -1).map((cell) => cell.trim());
}
