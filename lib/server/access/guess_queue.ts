import { BoundedMap } from "../../net/bounded_map.ts";
import { Tally } from "../../net/tally.ts";

/** Guesses that the whole server checks at once: one core of two stays free, whichever tunnels are guessed at. */
const MAX_CHECKING = 1;

/** Guesses of one tunnel's password that are checked or wait for it; each takes up to 50 ms. */
const MAX_OF_TUNNEL = 8;

/** Guesses that wait in the whole server: some 3 s of work. */
const MAX_WAITING = 64;

/** Milliseconds that a guess waits at most: its visitor is better told to come again. */
const MAX_WAIT = 5_000;

/** Parties whose last turn is remembered: more than those of all guesses that can wait. */
const MAX_PARTIES = 1_000;

/** Whose guess it is, so that neither of the three can hold up those who have nothing to do with it. */
export interface Guesser {
  /** The tunnel's id. */
  readonly tunnel: string;
  /** The network of the tunnel's client: one owner may have any number of tunnels. */
  readonly owner: string;
  /** The network of the visitor who guesses. */
  readonly visitor: string;
}

interface Guess {
  readonly tunnel: string;
  /** The three, told apart. */
  readonly parties: readonly string[];
  readonly begin: () => void;
  readonly refuse: () => void;
}

/**
 * Lets one guess at a password after the other be checked. Next is the one whose tunnel, owner and visitor have all waited
 * longest for a turn of theirs, and where there is no room the party with the most guesses loses its latest: so those
 * who guess much hold up themselves, unless they have many tunnels, owners and networks at once.
 */
export class GuessQueue {
  /** In the order in which they came. */
  readonly #waiting: Guess[] = [];
  /** Those that are checked or wait, by party. */
  readonly #count = new Tally<string>();
  /** The number of each party's last turn. */
  readonly #lastTurn = new BoundedMap<string, number>(MAX_PARTIES);
  #turn = 0;
  #checking = 0;

  /**
   * Checks a guess when its turn comes and returns the outcome, or null when another took its place or its time was
   * up; null at once where there is no room for it.
   */
  check(guesser: Guesser, work: () => Promise<boolean>): Promise<boolean | null> | null {
    const parties = partiesOf(guesser);
    for (const party of parties) this.#count.add(party);
    if (!this.#makeRoom(guesser.tunnel, parties)) {
      this.#forget(parties);
      return null;
    }
    if (this.#checking < MAX_CHECKING) return this.#run(parties, work);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#drop(guess), MAX_WAIT);
      const guess: Guess = {
        tunnel: guesser.tunnel,
        parties,
        begin: () => {
          clearTimeout(timer);
          resolve(this.#run(parties, work));
        },
        refuse: () => {
          clearTimeout(timer);
          resolve(null);
        },
      };
      this.#waiting.push(guess);
    });
  }

  /** Finds room for a newcomer, which is counted already; false when it is the one with the most itself. */
  #makeRoom(tunnel: string, parties: readonly string[]): boolean {
    const isTunnelFull = this.#count.count(partyOf("tunnel", tunnel)) > MAX_OF_TUNNEL;
    if (!isTunnelFull && this.#waiting.length < MAX_WAITING) return true;
    const counts = (parties: readonly string[]) =>
      descending(parties.map((party) => this.#count.count(party)));
    let greediest: Guess | null = null;
    let most = counts(parties);
    for (const guess of this.#waiting.toReversed()) {
      if (isTunnelFull && guess.tunnel !== tunnel) continue;
      const count = counts(guess.parties);
      if (compare(count, most) <= 0) continue;
      greediest = guess;
      most = count;
    }
    if (greediest === null) return false;
    this.#drop(greediest);
    return true;
  }

  #drop(guess: Guess): void {
    const at = this.#waiting.indexOf(guess);
    if (at === -1) return;
    this.#waiting.splice(at, 1);
    this.#forget(guess.parties);
    guess.refuse();
  }

  async #run(parties: readonly string[], work: () => Promise<boolean>): Promise<boolean> {
    this.#checking++;
    this.#turn++;
    for (const party of parties) this.#lastTurn.set(party, this.#turn);
    try {
      return await work();
    } finally {
      this.#checking--;
      this.#forget(parties);
      this.#next();
    }
  }

  #next(): void {
    const turns = ({ parties }: Guess) =>
      descending(parties.map((party) => this.#lastTurn.get(party) ?? 0));
    let next: Guess | undefined;
    for (const guess of this.#waiting) {
      if (next === undefined || compare(turns(guess), turns(next)) < 0) next = guess;
    }
    if (next === undefined) return;
    this.#waiting.splice(this.#waiting.indexOf(next), 1);
    next.begin();
  }

  #forget(parties: readonly string[]): void {
    for (const party of parties) this.#count.remove(party);
  }
}

function partiesOf({ tunnel, owner, visitor }: Guesser): readonly string[] {
  return [partyOf("tunnel", tunnel), partyOf("owner", owner), partyOf("visitor", visitor)];
}

function partyOf(kind: keyof Guesser, name: string): string {
  return `${kind} ${name}`;
}

function descending(numbers: number[]): readonly number[] {
  return numbers.sort((a, b) => b - a);
}

/** Compares the greatest of each first, then what comes behind them. */
function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, number] of a.entries()) {
    const difference = number - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
