import { freePort } from "./free_port.ts";
import { Lines } from "./lines.ts";
import { within } from "./within.ts";

/** What a proxy's configuration has to say in place of what stands in the file that is deployed. */
export interface ProxyPorts {
  /** Where visitors and clients connect, over TLS. */
  readonly proxy: number;
  /** Where the tunnel's server listens for visitors. */
  readonly server: number;
  /** Where it listens for clients. */
  readonly clients: number;
}

export interface FrontProxyOptions {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The line on standard error that says that it listens. */
  readonly ready: RegExp;
}

/** A reverse proxy as the system's packages have it, run in the foreground. */
export class FrontProxy implements AsyncDisposable {
  readonly stderr: Lines;
  readonly #name: string;
  readonly #child: Deno.ChildProcess;
  readonly #status: Promise<Deno.CommandStatus>;

  private constructor(name: string, child: Deno.ChildProcess) {
    this.#name = name;
    this.#child = child;
    this.#status = child.status;
    this.stderr = new Lines(child.stderr);
  }

  /** Starts it and waits until it listens. @throws {Error} with what it said when it ends before that. */
  static async start(name: string, { args, env, ready }: FrontProxyOptions): Promise<FrontProxy> {
    const child = new Deno.Command(name, {
      args: [...args],
      env: { ...env },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    await using started = new AsyncDisposableStack();
    const proxy = started.use(new FrontProxy(name, child));
    const line = await within(proxy.stderr.find(ready), `${name} to listen`);
    if (line === null) throw new Error(`${name} does not start: ${proxy.stderr}`);
    started.move();
    return proxy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
    await within(this.#status, `the end of ${this.#name}`);
    await this.stderr.ended;
  }
}

/** Tells whether a program is installed, and says so when it is not: its tests are skipped then. */
export function isInstalled(name: string): boolean {
  try {
    new Deno.Command(name, { args: ["-h"], stdout: "null", stderr: "null" }).outputSync();
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.warn(`skipped: ${name} is not installed`);
    return false;
  }
}

/** Finds ports that nobody listens on: a proxy cannot tell which ones the system would choose. */
export function freePorts(): ProxyPorts {
  return { proxy: freePort(), server: freePort(), clients: freePort() };
}

/** A text of a deployed configuration, and what stands in its place. */
export type Change = readonly [text: string, replacement: string];

/** Reads a configuration that is deployed and replaces texts in it, each of which must be there. */
export function readConfiguration(
  name: string,
  replacements: readonly Change[],
): string {
  let text = Deno.readTextFileSync(new URL(name, DEPLOY));
  for (const [before, after] of replacements) {
    if (!text.includes(before)) throw new Error(`${name} has no ${JSON.stringify(before)}`);
    text = text.replaceAll(before, after);
  }
  return text;
}

const DEPLOY = new URL("../../.github/deploy/", import.meta.url);
