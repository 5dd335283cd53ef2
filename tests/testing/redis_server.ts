import { createClient } from "@redis/client";
import type { Buffer } from "node:buffer";
import { freePort } from "./free_port.ts";
import { isInstalled } from "./front_proxy.ts";
import { Lines } from "./lines.ts";
import { TempDir } from "./temp_dir.ts";
import { within } from "./within.ts";

/** Whether tests against Redis can run; when not, a line says that they are skipped. */
export const hasRedis = isInstalled("redis-server");

/** What a server is told beside its port. */
export interface RedisSettings {
  /** Words such as `--requirepass secret`. */
  readonly args?: readonly string[];
}

/** A Redis server of its own, which keeps nothing on disk; it can be killed, frozen and started on the same port again. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #folder: TempDir;
  readonly #args: readonly string[];
  #child: Deno.ChildProcess | null = null;
  #stdout: Lines | null = null;

  private constructor(port: number, folder: TempDir, args: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    this.#args = args;
  }

  static async start({ args = [] }: RedisSettings = {}): Promise<RedisServer> {
    await using started = new AsyncDisposableStack();
    const folder = started.use(await TempDir.make());
    const server = new RedisServer(freePort(), folder, args);
    await server.start();
    started.move();
    return server;
  }

  /** @throws {Error} when it does not run. */
  get pid(): number {
    if (this.#child === null) throw new Error("Redis does not run");
    return this.#child.pid;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it, again after `kill`, and waits until it listens. */
  async start(): Promise<void> {
    this.#child = new Deno.Command("redis-server", {
      args: [
        ...["--port", `${this.port}`, "--bind", "127.0.0.1", "--dir", this.#folder.path],
        ...["--save", "", "--appendonly", "no", ...this.#args],
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#stdout = new Lines(this.#child.stdout);
    const line = await within(this.#stdout.find(/Ready to accept connections/), "Redis to listen");
    if (line !== null) return;
    const said = this.#stdout.toString();
    await this.kill();
    throw new Error(`Redis does not start: ${said}`);
  }

  /** Makes it one that has remembered the names of a domain for long, so that it gives free ones at once. */
  async settle(domain: string): Promise<void> {
    const [info] = await this.run(["INFO", "server"]);
    const [, run = ""] = /^run_id:(\w+)/m.exec(String(info)) ?? [];
    await this.run(["SET", `tunnel:${domain}:memory`, `1 ${run}`]);
  }

  /** Ends it as a crash does, and all that it holds with it. */
  async kill(): Promise<void> {
    this.#signal("SIGKILL");
    await this.#child?.status;
    await this.#stdout?.ended;
    this.#child = null;
  }

  /** Stops it in the middle of whatever it does, its connections open, as a network does that loses everything. */
  freeze(): void {
    this.#signal("SIGSTOP");
  }

  thaw(): void {
    this.#signal("SIGCONT");
  }

  /** Gives commands beside the bus, over a connection that ends with the call. */
  async run(...commands: readonly (readonly (string | Buffer)[])[]): Promise<unknown[]> {
    const client = createClient({ url: this.url, socket: { reconnectStrategy: false } });
    client.on("error", () => {});
    await client.connect();
    try {
      const answers: unknown[] = [];
      for (const command of commands) answers.push(await client.sendCommand(command));
      return answers;
    } finally {
      client.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child !== null) await this.kill();
    await this.#folder[Symbol.asyncDispose]();
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#child?.kill(signal);
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
  }
}
