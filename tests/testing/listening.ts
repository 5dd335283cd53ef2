import { Log } from "../../lib/cli/log.ts";
import type { ListenerOptions } from "../../lib/server/listen/listener.ts";
import { ServeListener } from "../../lib/server/listen/serve_listener.ts";
import type { Answer, Visit } from "../../lib/server/listen/visit.ts";

/** A log that nobody reads. */
export const SILENT = new Log({ format: "text", level: "error", write: () => {} });

/** A listener on this machine whose visits a test answers itself, until the end of its scope. */
export class Listening extends ServeListener implements AsyncDisposable {
  constructor(
    handle: (visit: Visit) => Answer | Promise<Answer>,
    options: Partial<ListenerOptions> = {},
  ) {
    super({
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}

/** Makes an answer of a text. */
export function answerWith(text: string, status = 200): Answer {
  return { status, fields: [], body: new TextEncoder().encode(text) };
}
