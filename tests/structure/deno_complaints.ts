const ROOT = new URL("../../", import.meta.url);

/** Runs a command of Deno's and returns what it says when it fails. */
export async function complaintsOf(args: readonly string[]): Promise<string> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  return success ? "" : new TextDecoder().decode(stderr);
}
