import { stat } from "node:fs/promises";

/** Milliseconds between two looks at the file. A look costs little, and works on every file system. */
const INTERVAL = 1000;

/** Looks once a second whether a file has changed, also when another one was put in its place. */
export class ConfigWatch implements Disposable {
  readonly #path: string;
  readonly #onChange: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  /** What was seen last; null before the first look. */
  #seen: string | null = null;
  #looking: Promise<void> | null = null;

  constructor(path: string, onChange: () => void) {
    this.#path = path;
    this.#onChange = onChange;
    this.#timer = setInterval(() => void this.look(), INTERVAL);
    void this.look();
  }

  /** Looks now, unless it is looking already. */
  async look(): Promise<void> {
    this.#looking ??= this.#look();
    await this.#looking;
    this.#looking = null;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const found = await stateOf(this.#path);
    const hasChanged = this.#seen !== null && found !== "" && found !== this.#seen;
    // While an editor writes, the file may be away for a moment.
    if (found !== "" || this.#seen === null) this.#seen = found;
    if (hasChanged) this.#onChange();
  }
}

/** What tells two states of a file apart; empty for one that is not there. */
async function stateOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return "";
  }
}
