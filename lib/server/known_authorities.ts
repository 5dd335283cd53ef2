import { type Authority, parseAuthority } from "../net/authority.ts";

/** Texts that are remembered, of at most 260 characters each: the hosts that visitors ask for in one minute, on most servers. */
const MAX_KNOWN = 1000;

/** Reads authorities as `parseAuthority` does, and remembers them: the same few come with nearly every request. */
export class KnownAuthorities {
  readonly #known = new Map<string, Authority>();

  /** Reads `host[:port]`; undefined for anything else, which is not remembered. */
  read(text: string): Authority | undefined {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const authority = parseAuthority(text);
    if (authority === undefined) return undefined;
    // Whoever asks for ever new ones makes the others be read once more, and no more than that.
    if (this.#known.size === MAX_KNOWN) this.#known.clear();
    this.#known.set(text, authority);
    return authority;
  }
}
