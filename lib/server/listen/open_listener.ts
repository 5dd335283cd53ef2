import type { Listen, ListenerKind } from "./listener.ts";
import { OwnListener } from "./own/own_listener.ts";
import { ServeListener } from "./serve_listener.ts";

/** Returns what opens listeners of a kind. */
export function openListener(kind: ListenerKind): Listen {
  return kind === "own"
    ? (options) => new OwnListener(options)
    : (options) => new ServeListener(options);
}
