import type { ListenerKind } from "../../../lib/server/listen/listener.ts";
import type {
  Answer,
  BodyPiece,
  BodySource,
  Outcome,
  RequestObserver,
  Visit,
} from "../../../lib/server/listen/visit.ts";
import { CERTIFICATE } from "../../testing/certificate.ts";
import { Listening, type ListeningOptions } from "../../testing/listening.ts";

/** Bytes of a piece: more than is read ahead of it, many times over. */
export const PIECE = 64 * 1024;

/** A body of so many pieces, which counts those that were asked for. */
export class CountedSource implements BodySource {
  /** Pieces that were read. */
  count = 0;
  readonly #most: number;
  readonly #cancelled = Promise.withResolvers<void>();

  constructor(most: number) {
    this.#most = most;
  }

  get cancelled(): Promise<void> {
    return this.#cancelled.promise;
  }

  read(): BodyPiece | null {
    if (this.count === this.#most) return null;
    this.count++;
    return { bytes: new Uint8Array(PIECE) };
  }

  cancel(): void {
    this.#cancelled.resolve();
  }
}

/** A listener whose visits are answered by the test, and what became of them. */
export class Scene extends Listening implements RequestObserver {
  readonly outcomes: (Outcome & { readonly sent: number })[] = [];
  visits = 0;

  constructor(
    kind: ListenerKind,
    handle: (visit: Visit) => Answer | Promise<Answer>,
    { tls = false, ...options }: Omit<ListeningOptions, "tls"> & { readonly tls?: boolean } = {},
  ) {
    const observers: RequestObserver[] = [];
    const cert = Deno.readTextFileSync(CERTIFICATE.certFile);
    const key = Deno.readTextFileSync(CERTIFICATE.keyFile);
    super((visit) => {
      this.visits++;
      return handle(visit);
    }, { ...options, observers, kind, tls: tls ? { cert, key } : null });
    observers.push(this);
  }

  finished({ sent }: Visit, outcome: Outcome): void {
    this.outcomes.push({ ...outcome, sent });
  }
}
