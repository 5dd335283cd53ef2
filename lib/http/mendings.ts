/** Kinds of faults that are noted of one message; an origin with more of them is known well enough by these. */
const MAX_NOTED = 8;

/** What is told of a message that follows the grammar; one list for all of them. */
export const NOTHING_MENDED: readonly string[] = [];

/**
 * Notes what was mended of an origin's message: breaches of the grammar that every recipient reads in the same way.
 *
 * Such a message goes on in the right spelling. Its connection serves no other one, for an origin that writes odd
 * messages may be wrong about their ends too.
 */
export class Mendings {
  #noted: string[] | null = null;

  /** Notes one, each once; it names what was there and the rule. */
  note(what: string): void {
    const noted = this.#noted ??= [];
    if (noted.length < MAX_NOTED && !noted.includes(what)) noted.push(what);
  }

  /** Returns what was noted, and begins anew. */
  take(): readonly string[] {
    const noted = this.#noted;
    if (noted === null) return NOTHING_MENDED;
    this.#noted = null;
    return noted;
  }
}

/** Says that LF stood where CR and LF belong, in a head or between chunks. */
export const LF_ALONE = "a line ends with LF alone (RFC 9112 section 2.2)";
