import { mutated, type Mutation } from "./mutations.ts";

/** How a command ended. */
export type Ending = "passed" | "failed" | "late";

const ROOT = new URL("../../", import.meta.url);

/** A copy of the repository in which code is changed, so that nobody's own files ever are. */
export class Checkout implements AsyncDisposable {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Copies all that git knows, as it is on the disk now. */
  static async make(): Promise<Checkout> {
    const path = await Deno.makeTempDir({ prefix: "tunnel-mutation-" });
    for (const file of await trackedFiles()) {
      const target = `${path}/${file}`;
      await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), { recursive: true });
      await Deno.copyFile(new URL(file, ROOT), target);
    }
    return new Checkout(path);
  }

  /** Reads a file, by its path from the repository's root. */
  async read(file: string): Promise<string> {
    return await Deno.readTextFile(`${this.#path}/${file}`);
  }

  /** Whether there is such a file or folder. */
  async has(path: string): Promise<boolean> {
    return await Deno.stat(`${this.#path}/${path}`).then(() => true, () => false);
  }

  /** Runs something while a change is made, and takes it back. */
  async with<T>(file: string, mutation: Mutation, run: () => Promise<T>): Promise<T> {
    const source = await this.read(file);
    await Deno.writeTextFile(`${this.#path}/${file}`, mutated(source, mutation));
    try {
      return await run();
    } finally {
      await Deno.writeTextFile(`${this.#path}/${file}`, source);
    }
  }

  /** Runs `deno` in the copy, for so many milliseconds at most. */
  async deno(args: readonly string[], time: number): Promise<Ending> {
    const child = new Deno.Command(Deno.execPath(), {
      args: [...args],
      cwd: this.#path,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, time);
    const { success } = await child.status;
    clearTimeout(timer);
    return isLate ? "late" : success ? "passed" : "failed";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#path, { recursive: true });
  }
}

/** Returns the files of the repository, by their paths from its root. */
export async function trackedFiles(): Promise<string[]> {
  const { stdout } = await new Deno.Command("git", {
    args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    cwd: ROOT,
  }).output();
  const listed = new TextDecoder().decode(stdout).split("\0").filter((file) => file !== "");
  const there = await Promise.all(
    listed.map((file) => Deno.stat(new URL(file, ROOT)).then(() => true, () => false)),
  );
  return listed.filter((_, i) => there[i]);
}
