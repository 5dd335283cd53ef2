import { Lines } from "../testing/lines.ts";
import { within } from "../testing/within.ts";

export interface ServiceManagerOptions {
  /** The path of a folder for what it needs. */
  readonly folder: string;
  /** The deployed unit's name, such as `tunnel-server@.service`. */
  readonly unit: string;
  /** What was deployed as its EnvironmentFile. */
  readonly environmentFile: string;
  /** Set over what the unit and its EnvironmentFile say; read at each start. */
  readonly env: Record<string, string>;
  /** What is run in the place of ExecStart. */
  readonly command: readonly string[];
}

/**
 * Does with a unit what systemd does at `start`, `stop`, `is-active`, `enable` and `disable`, for a program that is
 * called `systemctl` in a folder of its own: `start` returns when the service says that it is ready.
 */
export class ServiceManager implements AsyncDisposable {
  /** The path of the folder with `systemctl`, for the front of a PATH. */
  readonly path: string;
  /** What it was asked, such as `start tunnel-server@2`. */
  readonly calls: string[] = [];
  readonly #options: ServiceManagerOptions;
  readonly #services = new Map<string, Service>();
  readonly #serving: Promise<void>;

  private constructor(options: ServiceManagerOptions) {
    this.#options = options;
    this.path = `${options.folder}/bin`;
    this.#serving = this.#serve();
  }

  static async start(options: ServiceManagerOptions): Promise<ServiceManager> {
    const { folder } = options;
    await Deno.mkdir(`${folder}/bin`);
    const script = [
      "#!/bin/sh",
      `echo "$*" > ${folder}/call`,
      `read -r status < ${folder}/status`,
      'exit "$status"',
      "",
    ].join("\n");
    await Deno.writeTextFile(`${folder}/bin/systemctl`, script, { mode: 0o755 });
    const { success } = await new Deno.Command("mkfifo", {
      args: [`${folder}/call`, `${folder}/status`],
    }).output();
    if (!success) throw new Error("mkfifo failed");
    return new ServiceManager(options);
  }

  /** Returns the service of that name, which runs or ran. */
  service(name: string): Service {
    const service = this.#services.get(name);
    if (service === undefined) throw new Error(`${name} was never started`);
    return service;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.writeTextFile(`${this.#options.folder}/call`, END);
    await this.#serving;
    for (const service of this.#services.values()) await service[Symbol.asyncDispose]();
  }

  async #serve(): Promise<void> {
    const { folder } = this.#options;
    for (;;) {
      const call = (await Deno.readTextFile(`${folder}/call`)).trim();
      if (call === END) return;
      this.calls.push(call.replace(" --quiet", ""));
      const isDone = await this.#do(call.split(" ").filter((word) => !word.startsWith("-")));
      await Deno.writeTextFile(`${folder}/status`, isDone ? "0\n" : "1\n");
    }
  }

  async #do([verb = "", name = ""]: readonly string[]): Promise<boolean> {
    const service = this.#services.get(name);
    switch (verb) {
      case "is-active":
        return service?.isRunning ?? false;
      case "start": {
        const started = await Service.start(name, this.#options);
        this.#services.set(name, started);
        return await started.ready;
      }
      case "stop":
        await service?.stop();
        return true;
      case "enable":
      case "disable":
        return true;
      default:
        return false;
    }
  }
}

const END = "the test is over";

/** One process of a unit. */
class Service implements AsyncDisposable {
  readonly stderr: Lines;
  readonly stdout: Lines;
  /** Whether it says that it is ready before it ends. */
  readonly ready: Promise<boolean>;
  readonly status: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #name: string;
  isRunning = true;

  private constructor(name: string, child: Deno.ChildProcess, notified: Deno.DatagramConn) {
    this.#name = name;
    this.#child = child;
    this.stdout = new Lines(child.stdout);
    this.stderr = new Lines(child.stderr);
    this.status = child.status.then((status) => {
      this.isRunning = false;
      notified.close();
      return status;
    });
    const said = notified.receive().then(([bytes]) => new TextDecoder().decode(bytes), () => "");
    this.ready = within(said, `${name} to be ready`).then((text) => text === "READY=1");
  }

  static async start(
    name: string,
    { folder, env, command: [program = "", ...args], ...deployed }: ServiceManagerOptions,
  ): Promise<Service> {
    const socket = `${folder}/notify-${crypto.randomUUID()}`;
    const notified = Deno.listenDatagram({ transport: "unixpacket", path: socket });
    const child = new Deno.Command(program, {
      args,
      env: { ...await environmentOf(deployed), ...env, NOTIFY_SOCKET: socket },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return new Service(name, child, notified);
  }

  /** Stops it as systemd does, and waits for its end. */
  async stop(): Promise<void> {
    if (this.isRunning) this.#child.kill("SIGTERM");
    await within(this.status, `the end of ${this.#name}`, STOP_TIMEOUT);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isRunning) this.#child.kill("SIGKILL");
    await Promise.all([this.status, this.stdout.ended, this.stderr.ended]);
  }
}

/** Milliseconds: TimeoutStopSec of the unit. */
const STOP_TIMEOUT = 40_000;

const DEPLOY = new URL("../../.github/deploy/", import.meta.url);

/** Reads what a deployed unit and its file set. @throws {Error} when nobody would be told that it is ready. */
async function environmentOf(
  { unit, environmentFile }: Pick<ServiceManagerOptions, "unit" | "environmentFile">,
): Promise<Record<string, string>> {
  const text = await Deno.readTextFile(new URL(unit, DEPLOY));
  if (!text.includes("\nType=notify\n")) throw new Error(`${unit} is not of Type=notify`);
  const settings = text.replaceAll(/^Environment=/gm, "") +
    await Deno.readTextFile(new URL(environmentFile, DEPLOY));
  return Object.fromEntries(
    [...settings.matchAll(/^(TUNNEL_\w+)=(.+)$/gm)].map(([, name = "", value = ""]) => [
      name,
      value,
    ]),
  );
}
