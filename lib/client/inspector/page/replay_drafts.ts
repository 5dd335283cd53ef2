import type { EditableRequest } from "./editable_request.ts";

/** Drafts that are kept: more than anybody has begun at once. */
const MAX_DRAFTS = 20;

/** Requests that somebody has begun to edit, so that to look at something else loses nothing. */
export class ReplayDrafts {
  /** By the id of the exchange; the one that was edited last comes last. */
  readonly #kept = new Map<number, EditableRequest>();

  get(id: number): EditableRequest | undefined {
    return this.#kept.get(id);
  }

  keep(id: number, draft: EditableRequest): void {
    this.#kept.delete(id);
    this.#kept.set(id, draft);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MAX_DRAFTS) break;
      this.#kept.delete(oldest);
    }
  }

  drop(id: number): void {
    this.#kept.delete(id);
  }

  clear(): void {
    this.#kept.clear();
  }
}
