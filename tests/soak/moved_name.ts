import { Lines } from "../testing/lines.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { within } from "../testing/within.ts";

/** The server's name. */
export const SERVER_NAME = "tunnel.test";

export interface MovedNameOptions {
  /** Where the name leads at first. */
  readonly address: string;
  /** The server's port. */
  readonly port: number;
  /** The origin's port. */
  readonly origin: number;
}

/** A client whose server's name can be given another address, which no other process sees. */
export class MovedName implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #folder: TempDir;
  readonly #stdout: Lines;

  private constructor(child: Deno.ChildProcess, folder: TempDir) {
    this.#child = child;
    this.#folder = folder;
    this.#stdout = new Lines(child.stdout);
  }

  /** Resolves once the client is registered; with null where a process cannot have an `/etc/hosts` of its own. */
  static async start({ address, port, origin }: MovedNameOptions): Promise<MovedName | null> {
    await using started = new AsyncDisposableStack();
    const folder = started.use(await TempDir.make());
    await Deno.writeTextFile(hostsOf(folder), lineOf(address));
    const run = [Deno.execPath(), "run", "--allow-all", "client.ts"];
    const flags = ["--server", `http://${SERVER_NAME}:${port}`, "--key", `${folder.path}/key.pem`];
    const child = new Deno.Command("unshare", {
      args: [
        ...["--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hostsOf(folder)],
        ...[...run, ...flags, "--host", "127.0.0.1", "--port", `${origin}`],
      ],
      cwd: new URL("../../", import.meta.url),
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const client = new MovedName(child, folder);
    started.move();
    const line = await within(client.#stdout.find(/^http/), "the client").catch(() => null);
    if (line !== null) return client;
    await client[Symbol.asyncDispose]();
    return null;
  }

  async move(address: string): Promise<void> {
    // The file stays the same one, or the process would go on seeing the old one.
    await Deno.writeTextFile(hostsOf(this.#folder), lineOf(address));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#child.status;
    await this.#stdout.ended;
    await this.#folder[Symbol.asyncDispose]();
  }
}

function hostsOf(folder: TempDir): string {
  return `${folder.path}/hosts`;
}

function lineOf(address: string): string {
  return `${address} ${SERVER_NAME}\n`;
}
