import { Lines } from "../../testing/lines.ts";

/** Runs the clients that do nothing in a process of their own. */
export class IdleTunnels implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stdout: Lines;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  constructor(serverPort: number) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--allow-all", new URL("idle_tunnels.ts", import.meta.url).href],
        `${serverPort}`,
      ],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#stdout = new Lines(this.#child.stdout);
    this.#writer = this.#child.stdin.getWriter();
  }

  /** Resolves once there are so many. @throws {Error} when the process ended, or has lost one. */
  async growTo(count: number): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(`${count}\n`));
    const line = await this.#stdout.find(new RegExp(`^${count} (\\d+)$`));
    if (line === null) throw new Error("the process with the idle tunnels ended");
    if (line[1] !== "0") throw new Error(`${line[1]} of ${count} idle tunnels were lost`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#child.status;
    await this.#stdout.ended;
  }
}
