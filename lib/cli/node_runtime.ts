import { once } from "node:events";
import { basename } from "node:path";
import process from "node:process";
import type { Runtime, StandardStream, StopSignal } from "./runtime.ts";

/** Node, or Bun, which has the same modules. */
export class NodeRuntime implements Runtime {
  readonly args = process.argv.slice(2);
  #stdout: NodeStream | undefined;
  #stderr: NodeStream | undefined;

  get stdout(): StandardStream {
    return this.#stdout ??= new NodeStream(process.stdout);
  }

  get stderr(): StandardStream {
    return this.#stderr ??= new NodeStream(process.stderr);
  }

  get noColor(): boolean {
    return (process.env.NO_COLOR ?? "") !== "";
  }

  columns(): number {
    const columns = process.stderr.columns ?? process.stdout.columns;
    if (columns === undefined) throw new TypeError("there is no terminal");
    return columns;
  }

  environment(name: string): string | undefined {
    return process.env[name];
  }

  programName(): string {
    // A package's program is a link without ".js", but on Windows, and where somebody starts its file.
    return basename(process.argv[1] ?? "", ".js");
  }

  startWords(): readonly string[] {
    return [process.execPath, process.argv[1] ?? ""];
  }

  exit(status: number): never {
    process.exit(status);
  }

  onSignal(signal: StopSignal, listener: () => void): void {
    process.on(signal, listener);
  }

  offSignal(signal: StopSignal, listener: () => void): void {
    process.off(signal, listener);
  }

  onUncaught(listener: (error: unknown) => void): void {
    process.on("uncaughtException", listener);
    process.on("unhandledRejection", listener);
  }

  giveUp(): void {}

  async run(program: string, args: readonly string[]): Promise<boolean> {
    // Deno would load it with each program, although only a browser is started.
    const { spawn } = await import("node:child_process");
    const child = spawn(program, [...args], { stdio: "ignore" });
    const [status] = await once(child, "exit");
    return status === 0;
  }
}

/** Writes through the streams of Node, which keep what a pipe does not take at once. */
class NodeStream implements StandardStream {
  readonly #stream: typeof process.stdout | typeof process.stderr;

  constructor(stream: typeof process.stdout | typeof process.stderr) {
    this.#stream = stream;
    // A pipe that was closed ends a process that does not listen.
    stream.on("error", () => {});
  }

  isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#stream.write(bytes, (error) => {
        if (error) reject(error);
        else resolve(bytes.length);
      });
    });
  }

  writeSync(bytes: Uint8Array): number {
    this.#stream.write(bytes);
    return bytes.length;
  }
}
