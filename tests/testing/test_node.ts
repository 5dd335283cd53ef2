import type { Bus } from "../../lib/server/bus/bus.ts";
import { parseClientOptions } from "../../lib/client/options.ts";
import { visitorRules } from "../../lib/client/visitor_flags.ts";
import { makeVisitorPolicy } from "../../lib/identity/visitor_policy.ts";
import { ALL_STREAM_IDS, type StreamIds } from "../../lib/mux/stream_table.ts";
import { TunnelClient, type TunnelClientEvents } from "../../lib/client/tunnel_client.ts";
import { Log } from "../../lib/cli/log.ts";
import { ownOptions, parseServerOptions } from "../../lib/server/options.ts";
import { TunnelServer } from "../../lib/server/tunnel_server.ts";
import type { SigningKey } from "../../lib/identity/key.ts";
import { newSigningKey } from "./ed25519.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free_port.ts";
import { RawHTTP, type WholeResponse } from "./raw_http.ts";
import { within } from "./within.ts";
import type { Service } from "../../lib/client/services/service.ts";
import { openService } from "../../lib/client/services/open_service.ts";

export interface TestNodeOptions {
  readonly bus: Bus;
  /** Whether the others may come directly. @default false */
  readonly isDirect?: boolean;
  /** Flags of the server. */
  readonly args?: readonly string[];
  /** Stream ids of each session. @default all */
  readonly streamIds?: StreamIds;
}

/** One server of several, in this process, at a port of its own. */
export class TestNode implements AsyncDisposable {
  readonly port: number;
  /** What it has logged. */
  readonly lines: string[];
  readonly server: TunnelServer;
  #hasStopped = false;

  private constructor(port: number, lines: string[], server: TunnelServer) {
    this.port = port;
    this.lines = lines;
    this.server = server;
  }

  static start(
    { bus, isDirect = false, args = [], streamIds = ALL_STREAM_IDS }: TestNodeOptions,
  ): TestNode {
    const port = freePort();
    const command = parseServerOptions([
      ...["--port", `${port}`, "--hostname", "127.0.0.1"],
      ...isDirect ? ["--node-url", `http://127.0.0.1:${port}`] : [],
      ...args,
    ], () => undefined);
    if (command.kind !== "run") throw new TypeError("not the flags of a server");
    const lines: string[] = [];
    const log = new Log({ format: "text", level: "debug", write: (line) => lines.push(line) });
    const server = new TunnelServer({
      ...ownOptions(command.options),
      bus,
      tls: null,
      authorizedKeys: null,
      accessLog: null,
      server: "tunnel/test",
      log,
      streamIds,
    });
    return new TestNode(port, lines, server);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Sends a request by a tunnel's host over a connection of its own, and reads the whole response. */
  async request(text: string, method = "GET"): Promise<WholeResponse> {
    using visitor = await RawHTTP.open(this.port);
    return await visitor.exchange(text, method);
  }

  /** Asks for a page of a tunnel. */
  get(host: string, target = "/"): Promise<WholeResponse> {
    return this.request(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  }

  /** Reads one of the metrics, `name` with its labels. */
  async metric(name: string): Promise<number> {
    const { text } = await this.get("127.0.0.1", "/metrics");
    const line = text.split("\n").find((line) => line.startsWith(`${name} `));
    return Number(line?.slice(name.length));
  }

  async stop(): Promise<void> {
    if (this.#hasStopped) return;
    this.#hasStopped = true;
    await within(this.server.shutdown(), "the end of a node");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

export interface TestClientOptions {
  /** The origin of a local service. */
  readonly origin?: { readonly port: number };
  /** @default asks the origin over HTTP */
  readonly service?: Service;
  /** @default a new one */
  readonly key?: SigningKey;
  /** Flags of the client. */
  readonly args?: readonly string[];
  readonly onLeaving?: NonNullable<TunnelClientEvents["onLeaving"]>;
  readonly onOffline?: TunnelClientEvents["onOffline"];
  readonly onNotice?: NonNullable<TunnelClientEvents["onNotice"]>;
}

/** A client in this process. */
export class TestClient implements AsyncDisposable {
  /** What visitors send as Host. */
  readonly host: string;
  readonly key: SigningKey;
  readonly #client: TunnelClient;
  readonly #running: Promise<boolean>;

  private constructor(
    host: string,
    key: SigningKey,
    client: TunnelClient,
    running: Promise<boolean>,
  ) {
    this.host = host;
    this.key = key;
    this.#client = client;
    this.#running = running;
  }

  /** Connects to these nodes and resolves when it is registered at each. */
  static async connect(
    nodes: readonly { readonly url: string }[],
    options: TestClientOptions,
  ): Promise<TestClient> {
    const command = parseClientOptions(
      [
        ...nodes.flatMap(({ url }) => ["--server", url]),
        ...["--host", "127.0.0.1"],
        ...options.origin === undefined ? [] : ["--port", `${options.origin.port}`],
        ...options.args ?? [],
      ],
      (name) => name === "HOME" ? "/nowhere" : undefined,
      { os: "linux" },
    );
    if (command.kind !== "run") throw new TypeError("not the flags of a client");
    const key = options.key ?? await newSigningKey();
    const urls = new Map<string, string>();
    const client = new TunnelClient(
      {
        ...command.options,
        service: options.service ??
          openService(command.options.service, command.options),
        key,
        policy: await makeVisitorPolicy(visitorRules(command.options)),
      },
      {
        onOnline: (server, url) => void urls.set(server, url),
        onLeaving: options.onLeaving ?? (() => {}),
        onOffline: options.onOffline ?? (() => {}),
        onNotice: options.onNotice ?? (() => {}),
      },
    );
    const running = client.run();
    await eventually("the client to be registered", () => urls.size === nodes.length);
    const [url = ""] = urls.values();
    return new TestClient(new URL(url).host, key, client, running);
  }

  /** Leaves politely. */
  async stop(): Promise<void> {
    await this.#client.stop();
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    await this.#running;
  }
}
