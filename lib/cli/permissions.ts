import type { Permission } from "./runtime.ts";
import { SYSTEM_RUNTIME } from "./system_runtime.ts";

/** What Deno asks leave for. */
const PERMISSIONS: readonly Permission[] = [
  ...["read", "write", "net", "env", "run", "sys", "ffi", "import"] as const,
];

/**
 * Gives up every permission but these, for good: from now on nothing in this process can do the rest, whatever a peer
 * makes it try. What had no leave before gets none.
 *
 * Deno takes back a permission whole or not at all, once it was given whole: of `--allow-net` no hosts can be left.
 */
export function keepOnly(...kept: readonly Permission[]): void {
  SYSTEM_RUNTIME.giveUp(PERMISSIONS.filter((name) => !kept.includes(name)));
}
