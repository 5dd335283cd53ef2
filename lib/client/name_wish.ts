import type { RegistrationError } from "../wire/registration_error.ts";

/**
 * The wish for a name at one server, which its connections share. A name that is another's from the start is refused for
 * good. One that was given and went to another key later costs the name alone: the tunnel goes on under its id.
 */
export class NameWish {
  readonly #onLost: (name: string) => void;
  #name: string;
  #wasGiven = false;

  /** @param name empty for none. @param onLost called once, when the name went to another key. */
  constructor(name: string, onLost: (name: string) => void) {
    this.#name = name;
    this.#onLost = onLost;
  }

  /** The name that is wished for now; empty for none. */
  get name(): string {
    return this.#name;
  }

  /** Notes that the server gave what was wished for. */
  given(): void {
    this.#wasGiven ||= this.#name !== "";
  }

  /** Gives the wish up if that is what a refusal asks for, and returns whether it did, now or before. */
  giveUp({ code }: RegistrationError): boolean {
    if (code !== "name_taken" || !this.#wasGiven) return false;
    if (this.#name !== "") this.#onLost(this.#name);
    this.#name = "";
    return true;
  }
}
