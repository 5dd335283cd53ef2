// Runs before a program in its process, and tells at SIGUSR2 what may be done in it, on standard error.

const NAMES = ["read", "write", "net", "env", "run", "sys", "ffi", "import"] as const;

Deno.addSignalListener("SIGUSR2", async () => {
  const states = NAMES.filter((name) => Deno.permissions.querySync({ name }).state === "granted");
  const attempts = [
    attempt("write", async () => await Deno.remove(await Deno.makeTempFile())),
    attempt("run", () => new Deno.Command("/bin/sh", { args: ["-c", ""] }).output()),
    attempt("env", () => Deno.env.get("HOME")),
  ];
  const done = (await Promise.all(attempts)).filter((name) => name !== null);
  console.error(`may: ${states.join(" ")}; did: ${done.join(" ")}.`);
});

/** Returns the name of what could be done, and null for what could not. */
async function attempt(name: string, act: () => unknown): Promise<string | null> {
  try {
    await act();
    return name;
  } catch (error) {
    return error instanceof Deno.errors.NotCapable ? null : name;
  }
}
