import { Log } from "../../lib/cli/log.ts";
import type { Listener, ListenerKind, ListenerOptions } from "../../lib/server/listen/listener.ts";
import { openListener } from "../../lib/server/listen/open_listener.ts";
import type { Certificate } from "../../lib/server/tls/certificate_source.ts";
import type { Answer, Visit } from "../../lib/server/listen/visit.ts";

/** A log that nobody reads. */
export const SILENT = new Log({ format: "text", level: "error", write: () => {} });

/** What opens a test's listener beside the usual options. */
export type ListeningOptions = Partial<ListenerOptions> & {
  /** @default "serve" */
  readonly kind?: ListenerKind;
};

/** A listener on this machine whose visits a test answers itself, until the end of its scope. */
export class Listening implements Listener, AsyncDisposable {
  readonly #listener: Listener;

  constructor(
    handle: (visit: Visit) => Answer | Promise<Answer>,
    { kind = "serve", ...options }: ListeningOptions = {},
  ) {
    this.#listener = openListener(kind)({
      hostname: "127.0.0.1",
      port: 0,
      reusePort: false,
      tls: null,
      handler: { handle, failed: () => ({ ...answerWith("failed", 500), code: "internal" }) },
      observers: [],
      log: SILENT,
      ...options,
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Connections that are open, where the listener can tell. */
  get open(): number {
    return this.#listener.open ?? 0;
  }

  dismiss(): void {
    this.#listener.dismiss();
  }

  async shutdown(): Promise<void> {
    await this.#listener.shutdown();
  }

  async check(tls: Certificate): Promise<void> {
    await this.#listener.check(tls);
  }

  renew(tls: Certificate): () => Promise<void> {
    return this.#listener.renew(tls);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}

/** Makes an answer of a text. */
export function answerWith(text: string, status = 200): Answer {
  return { status, fields: [], body: new TextEncoder().encode(text) };
}
