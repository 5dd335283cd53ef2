/** What Deno asks leave for, each as a whole. */
const PERMISSIONS = ["read", "write", "net", "env", "run", "sys", "ffi", "import"] as const;

export type Permission = typeof PERMISSIONS[number];

/**
 * Gives up every permission but these, for good: from now on nothing in this process can do the rest, whatever a peer
 * makes it try. What had no leave before gets none.
 *
 * Deno takes back a permission whole or not at all, once it was given whole: of `--allow-net` no hosts can be left.
 */
export function keepOnly(...kept: readonly Permission[]): void {
  for (const name of PERMISSIONS) {
    if (!kept.includes(name)) Deno.permissions.revokeSync({ name });
  }
}
