import { ProgramError } from "../../cli/program.ts";
import { waitAtMost } from "../../net/with_timeout.ts";
import { RegistrationError } from "../../wire/registration_error.ts";
import type { ClientOptions } from "../options.ts";
import { ClientTunnel, type SharedParts } from "./client_tunnel.ts";

/** Milliseconds that a tunnel may take to be online before the one that it replaces is stopped all the same. */
const REPLACE_TIMEOUT = 10_000;

/** Tunnels that are started or replaced at once: each replaced one has twice its connections for a while. */
const MAX_CHANGES = 4;

/** How the tunnels ended. */
export interface EndedTunnels {
  /** Whether one was ever registered, and none of them ended by a fault. */
  readonly isWell: boolean;
  /** Why a server refused the last one that it refused; null where it refused none. */
  readonly refusal: RegistrationError | null;
}

/** Runs the tunnels of this program, one of each name, and changes those that are to be others. */
export class ClientTunnels {
  /** Resolves when none runs any more. */
  readonly ended: Promise<EndedTunnels>;
  readonly #parts: SharedParts;
  readonly #running = new Map<string, ClientTunnel>();
  readonly #end = Promise.withResolvers<EndedTunnels>();
  #changes: Promise<void> = Promise.resolve();
  #isStopped = false;
  #isWell = false;
  #refusal: RegistrationError | null = null;

  constructor(parts: SharedParts) {
    this.#parts = parts;
    this.ended = this.#end.promise;
  }

  /** Exchanges that are under way. */
  get load(): number {
    return [...this.#running.values()].reduce((load, tunnel) => load + tunnel.load, 0);
  }

  /** Starts a tunnel. @throws {ProgramError} for a file or a folder that cannot be read. */
  async start(options: ClientOptions): Promise<void> {
    const tunnel = await ClientTunnel.open(options, this.#parts);
    this.#running.set(options.tunnel, tunnel);
    void this.#run(tunnel);
  }

  /**
   * Starts, changes and stops what is needed so that these run; the others are left alone.
   *
   * @returns what was done, in words; empty when they run already.
   */
  async apply(wanted: readonly ClientOptions[]): Promise<string> {
    // One change after the other.
    const applied = this.#changes.then(() => this.#apply(wanted));
    this.#changes = applied.then(() => {});
    return await applied;
  }

  /** Stops all, with what is in flight finished. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#running.values()].map((tunnel) => tunnel.stop()));
  }

  async #apply(wanted: readonly ClientOptions[]): Promise<string> {
    const names = new Set(wanted.map(({ tunnel }) => tunnel));
    const left = [...this.#running.values()].filter(({ options }) => !names.has(options.tunnel));
    // Those that stay come first, so that never none is left.
    const done: string[] = [];
    for (let at = 0; at < wanted.length; at += MAX_CHANGES) {
      const some = wanted.slice(at, at + MAX_CHANGES);
      done.push(...await Promise.all(some.map((options) => this.#change(options))));
    }
    await Promise.all(left.map((tunnel) => tunnel.stop()));
    const stopped = left.map(({ options }) => `${options.tunnel} stopped`);
    return [...done, ...stopped].filter((words) => words !== "").join(", ");
  }

  /** Starts a tunnel or puts it in the place of another one, and returns what was done. */
  async #change(options: ClientOptions): Promise<string> {
    const { tunnel: name } = options;
    const running = this.#running.get(name);
    if (this.#isStopped || running?.options.written === options.written) return "";
    try {
      if (running !== undefined) return await this.#replace(running, options);
      await this.start(options);
      return `${name} started`;
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error;
      const before = running === undefined ? "it is not started" : "it goes on as it was";
      this.#parts.console.warn(`${name}: ${error.message}; ${before}`);
      running?.show();
      return "";
    }
  }

  /** Puts a tunnel in the place of another one, which goes on until the new one is online, or for good when it is refused. */
  async #replace(running: ClientTunnel, options: ClientOptions): Promise<string> {
    const next = await ClientTunnel.open(options, this.#parts, running);
    running.console.silence();
    const refused = this.#run(next);
    await waitAtMost(REPLACE_TIMEOUT, Promise.race([next.online, refused]));
    if (await Promise.race([refused, false])) {
      running.show();
      return "";
    }
    this.#running.set(options.tunnel, next);
    if (this.#isStopped) await next.stop();
    await running.stop();
    return `${options.tunnel} changed`;
  }

  /** Runs a tunnel to its end, and returns whether that was a refusal. */
  async #run(tunnel: ClientTunnel): Promise<boolean> {
    const { tunnel: name } = tunnel.options;
    try {
      const isWell = await tunnel.run();
      this.#isWell ||= isWell;
      return false;
    } catch (error) {
      if (!(error instanceof RegistrationError)) {
        this.#end.reject(error);
        return false;
      }
      this.#refusal = error;
      // The only one tells of it by the end of the program.
      if (name !== "") tunnel.console.refused(error);
      return true;
    } finally {
      if (this.#running.get(name) === tunnel) {
        this.#running.delete(name);
        this.#parts.recorder.remove(name);
      }
      if (this.#running.size === 0) {
        this.#end.resolve({ isWell: this.#isWell, refusal: this.#refusal });
      }
    }
  }
}
