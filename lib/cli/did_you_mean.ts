/** Characters of a word that a near one is looked for: more than the longest flag has. */
export const MAX_WORD_LENGTH = 80;

/** Ends a sentence about a word that there is not with the one that was probably meant, behind `mark`; else it is empty. */
export function didYouMean(text: string, known: readonly string[], mark = ""): string {
  const near = nearest(text, known);
  return near === undefined ? "" : `; did you mean ${mark}${near}?`;
}

/** Finds the word that was probably meant: one that the text begins, or one at most two letters away. */
function nearest(text: string, known: readonly string[]): string | undefined {
  if (text.length < 2 || text.length > MAX_WORD_LENGTH) return undefined;
  const begun = known.filter((name) => name.startsWith(text));
  if (begun.length > 0) return begun[0];
  const ranked = known.map((name) => ({ name, distance: distance(text, name) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= 2 && best.distance < text.length - 1
    ? best.name
    : undefined;
}

/** Counts the letters to add, drop or change to make one text of the other (Levenshtein). */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(changed, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    above = row;
  }
  return above[b.length] ?? 0;
}
