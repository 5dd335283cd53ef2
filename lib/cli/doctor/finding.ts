/** What one check of a doctor found. */
export interface Finding {
  /** What was looked at, in a word or two. */
  readonly check: string;
  /** `unknown` when it could not be seen, or there is nothing that could be wrong. */
  readonly verdict: "right" | "wrong" | "unknown";
  /** What was found, in a clause. */
  readonly text: string;
  /** What to do about it, in a sentence; null for nothing. */
  readonly advice: string | null;
}

/** Makes a finding that is as it should be. */
export function right(check: string, text: string): Finding {
  return { check, verdict: "right", text, advice: null };
}

/** Makes a finding that needs a hand. */
export function wrong(check: string, text: string, advice: string): Finding {
  return { check, verdict: "wrong", text, advice };
}

/** Makes a finding that says nothing of right and wrong. */
export function unknown(check: string, text: string, advice: string | null = null): Finding {
  return { check, verdict: "unknown", text, advice };
}
