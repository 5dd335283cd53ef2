import type { SigningKey } from "../identity/key.ts";
import { OPEN_POLICY } from "../identity/visitor_policy.ts";
import type { HTTPProxy } from "../net/http_proxy.ts";
import type { Service } from "./services/service.ts";
import { TunnelClient } from "./tunnel_client.ts";

export interface TestTunnelOptions {
  readonly server: string;
  readonly proxy: HTTPProxy | null;
  readonly authorities: readonly string[];
  readonly token: string | null;
  readonly key: SigningKey;
  readonly service: Service;
  /** How its label begins, so that the server's log tells what it is for. */
  readonly purpose: string;
}

/** A tunnel for a moment, to see whether a server takes it, and whether visitors come through. */
export class TestTunnel implements AsyncDisposable {
  readonly #client: TunnelClient;
  readonly #running: Promise<boolean>;

  private constructor(client: TunnelClient, running: Promise<boolean>, readonly url: URL) {
    this.#client = client;
    this.#running = running;
  }

  /**
   * Registers, under an address of its own: what runs under this key already keeps its visitors.
   *
   * @throws {RegistrationError} when the server refuses, and an Error with the reason when it cannot be reached.
   */
  static async open(options: TestTunnelOptions): Promise<TestTunnel> {
    const { server, proxy, purpose, ...rest } = options;
    const online = Promise.withResolvers<string>();
    const client = new TunnelClient({
      ...rest,
      servers: [server],
      proxies: new Map(proxy === null ? [] : [[server, proxy]]),
      connections: 1,
      label: `${purpose}-${crypto.randomUUID().slice(0, 8)}`,
      name: null,
      once: true,
      policy: OPEN_POLICY,
    }, {
      onOnline: (_server, url) => online.resolve(url),
      onOffline: (_server, reason) => online.reject(new Error(reason)),
    });
    const running = client.run();
    running.catch((error) => online.reject(error));
    return new TestTunnel(client, running, new URL(await online.promise));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.stop();
    await this.#running;
  }
}
