/** A line of one text beside its place in another; null where the other has no such line. */
export interface LinePair {
  readonly left: string | null;
  readonly right: string | null;
}

/** Cells of the table that finds the longest common lines: 4 bytes each, for two texts of 1,000 lines. */
const MAX_CELLS = 1_000_000;

/** Puts two texts side by side, so that the lines which both have stand beside each other. */
export function linePairs(left: readonly string[], right: readonly string[]): LinePair[] {
  let start = 0;
  const shorter = Math.min(left.length, right.length);
  while (start < shorter && left[start] === right[start]) start++;
  let end = 0;
  while (end < shorter - start && left.at(-1 - end) === right.at(-1 - end)) end++;
  const middle = pairsBetween(
    left.slice(start, left.length - end),
    right.slice(start, right.length - end),
  );
  const same = (line: string): LinePair => ({ left: line, right: line });
  return [
    ...left.slice(0, start).map(same),
    ...middle,
    ...left.slice(left.length - end).map(same),
  ];
}

export function isSamePair({ left, right }: LinePair): boolean {
  return left === right;
}

function pairsBetween(left: readonly string[], right: readonly string[]): LinePair[] {
  if ((left.length + 1) * (right.length + 1) > MAX_CELLS) return besides(left, right);
  const lengths = commonLengths(left, right);
  const width = right.length + 1;
  const pairs: LinePair[] = [];
  let removed: string[] = [];
  let added: string[] = [];
  const flush = (): void => {
    pairs.push(...besides(removed, added));
    removed = [];
    added = [];
  };
  let [a, b] = [0, 0];
  while (a < left.length || b < right.length) {
    const [line, other] = [left[a], right[b]];
    if (line !== undefined && line === other) {
      flush();
      pairs.push({ left: line, right: other });
      a++;
      b++;
      continue;
    }
    const down = lengths[(a + 1) * width + b] ?? -1;
    const across = lengths[a * width + b + 1] ?? -1;
    if (line !== undefined && (other === undefined || down >= across)) {
      removed.push(line);
      a++;
    } else if (other !== undefined) {
      added.push(other);
      b++;
    }
  }
  flush();
  return pairs;
}

/** Computes for each pair of places how many lines both texts have in common behind them. */
function commonLengths(left: readonly string[], right: readonly string[]): Uint32Array {
  const width = right.length + 1;
  const lengths = new Uint32Array((left.length + 1) * width);
  for (let a = left.length - 1; a >= 0; a--) {
    for (let b = right.length - 1; b >= 0; b--) {
      const at = a * width + b;
      lengths[at] = left[a] === right[b]
        ? (lengths[at + width + 1] ?? 0) + 1
        : Math.max(lengths[at + width] ?? 0, lengths[at + 1] ?? 0);
    }
  }
  return lengths;
}

/** Puts lines that differ beside each other as they come. */
function besides(left: readonly string[], right: readonly string[]): LinePair[] {
  return Array.from({ length: Math.max(left.length, right.length) }, (_, index) => ({
    left: left[index] ?? null,
    right: right[index] ?? null,
  }));
}
