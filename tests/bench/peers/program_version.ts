/** Asks a program for its version: the first thing like `1.2` that it prints; null when it is not installed. */
export async function programVersion(
  program: string,
  ...args: readonly string[]
): Promise<string | null> {
  try {
    const { stdout, stderr } = await new Deno.Command(program, { args: [...args], stdin: "null" })
      .output();
    const decoder = new TextDecoder();
    const text = decoder.decode(stdout) + decoder.decode(stderr);
    return /\d+\.\d[\w.]*/.exec(text)?.[0] ?? "unknown";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
