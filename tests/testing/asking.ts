import type { Asking } from "../../lib/server/tunnels/upstream.ts";

/** Returns what asks for a page of a tunnel, with what is given in place of the usual. */
export function asking(given: Partial<Asking> = {}): Asking {
  return {
    ...{ address: "192.0.2.1", host: "app.example", method: "GET", target: "/", fields: [] },
    readBody: () => ({
      read: () => Promise.resolve({ done: true }),
      cancel: () => Promise.resolve(),
    }),
    ...given,
  };
}
