import { request as requestPlain } from "node:http";
import { request as requestSecure } from "node:https";

/** Milliseconds between two visits, and until one of them has failed. */
const INTERVAL = 500;
const PATIENCE = 5_000;

/** Not the attack's address: a proxy may well refuse that one. */
const ADDRESS = "127.0.0.2";

export interface ProberOptions {
  /** The tunnel's public URL. */
  readonly url: URL;
  /** Where visitors connect on this machine. */
  readonly port: number;
  /** PEM text; null over plain TCP. */
  readonly ca: string | null;
}

/** A visitor who comes twice a second, over a connection of his own each time, and counts what becomes of it. */
export class Prober {
  count = 0;
  /** Milliseconds of the slowest visit. */
  slowest = 0;
  /** Why visits failed, and how often. */
  readonly failures = new Map<string, number>();
  readonly #options: ProberOptions;
  readonly #stopped = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  #isStopped = false;

  constructor(options: ProberOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Comes once, and returns why it failed, or null. */
  async visit(): Promise<string | null> {
    const { url, port, ca } = this.#options;
    const { promise, resolve } = Promise.withResolvers<string | null>();
    const common = {
      host: "127.0.0.1",
      port,
      localAddress: ADDRESS,
      headers: { host: url.host },
      agent: false,
      timeout: PATIENCE,
    } as const;
    const request = ca === null
      ? requestPlain(common)
      : requestSecure({ ...common, ca, servername: url.hostname });
    const timer = setTimeout(() => resolve(`no answer within ${PATIENCE} ms`), PATIENCE);
    request.on("error", (error) => resolve(error.message));
    request.on("response", (response) => {
      response.resume();
      response.on("end", () => {
        resolve(response.statusCode === 200 ? null : `status ${response.statusCode}`);
      });
    });
    request.end();
    const failure = await promise;
    clearTimeout(timer);
    request.destroy();
    return failure;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopped.resolve();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const start = performance.now();
      const failure = await this.visit();
      this.count++;
      this.slowest = Math.max(this.slowest, performance.now() - start);
      if (failure !== null) this.failures.set(failure, (this.failures.get(failure) ?? 0) + 1);
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, INTERVAL);
      await Promise.race([promise, this.#stopped.promise]);
      clearTimeout(timer);
    }
  }
}
