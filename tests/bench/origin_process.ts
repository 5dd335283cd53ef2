/** The origin of the benchmark as a process, so that its work is not counted with anybody else's. */
export class OriginProcess implements AsyncDisposable {
  readonly port: number;
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Starts it; its first line is its port. @throws {Error} when it ends before that. */
  static async start(): Promise<OriginProcess> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", new URL("origin.ts", import.meta.url).href],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let line = "";
    while (!line.endsWith("\n")) {
      const { value, done } = await reader.read();
      if (done) throw new Error("the origin of the benchmark did not start");
      line += value;
    }
    await reader.cancel();
    return new OriginProcess(child, Number(line));
  }

  get pid(): number {
    return this.#child.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.close();
    await this.#child.status;
  }
}
