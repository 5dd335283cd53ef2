import { Program, type ProgramOptions } from "./program.ts";
import { RawHTTP, type WholeResponse } from "./raw_http.ts";
import type { RawField } from "./message_head.ts";
import { toBytes, toText } from "./latin1.ts";

export interface TunnelOptions {
  /** What has the port of the origin, on this machine, or the word for another service. */
  readonly origin: { readonly port: number } | string;
  readonly serverArgs?: readonly string[];
  readonly clientArgs?: readonly string[];
  /** A server that runs already and stays the caller's; without it the tunnel starts its own. */
  readonly server?: Program;
  /** How the programs that it starts are run. */
  readonly programs?: ProgramOptions;
}

/** What is not given is not sent. */
export interface VisitorRequest {
  /** @default "GET" */
  readonly method?: string;
  /** @default the tunnel's own host and port */
  readonly host?: string;
  /** Fields behind Host, in order. */
  readonly fields?: readonly RawField[];
  /** A body, sent with its Content-Length; text as Latin-1. */
  readonly body?: string | Uint8Array;
}

/** Starts a server and a client in front of an origin; resolves once the public URL works. */
export async function startTunnel(options: TunnelOptions): Promise<Tunnel> {
  const { origin, serverArgs = [], clientArgs = [], programs } = options;
  await using started = new AsyncDisposableStack();
  const server = options.server ?? started.use(await startServer(serverArgs, programs));
  const client = started.use(
    await Program.start("client.ts", [
      ...["--server", server.url.origin],
      ...typeof origin === "string"
        ? [origin]
        : ["--host", "127.0.0.1", "--port", `${origin.port}`],
      ...clientArgs,
    ], programs),
  );
  return new Tunnel(server, client, started.move());
}

/** Starts a tunnel whose client reaches its server through a link alone. */
export async function startThrough(
  link: { readonly url: string },
  server: Program,
  origin: { readonly port: number },
): Promise<Tunnel> {
  await using started = new AsyncDisposableStack();
  const client = started.use(
    await Program.start("client.ts", [
      ...["--server", link.url],
      ...["--host", "127.0.0.1", "--port", `${origin.port}`],
    ]),
  );
  return new Tunnel(server, client, started.move());
}

/** Starts a server on a free port of this machine alone. */
export function startServer(
  args: readonly string[] = [],
  options?: ProgramOptions,
): Promise<Program> {
  return startServerAt(0, args, options);
}

/** Starts a server on a port of this machine, such as the one that another server had. */
export function startServerAt(
  port: number | string,
  args: readonly string[] = [],
  options?: ProgramOptions,
): Promise<Program> {
  const place = ["--port", `${port}`, "--hostname", "127.0.0.1"];
  return Program.start("server.ts", [...place, ...args], options);
}

/** Starts a client of the server, or whatever leads to it, at a port of this machine. */
export function startClient(
  serverPort: number | string,
  origin: { readonly port: number },
): Promise<Program> {
  return Program.start("client.ts", [
    ...["--server", `http://127.0.0.1:${serverPort}`],
    ...["--host", "127.0.0.1", "--port", `${origin.port}`],
  ]);
}

/** A working tunnel, seen from a visitor. */
export class Tunnel implements AsyncDisposable {
  readonly #owned: AsyncDisposableStack;

  constructor(readonly server: Program, readonly client: Program, owned: AsyncDisposableStack) {
    this.#owned = owned;
  }

  /** How often the client told of a connection, made or lost: once, as long as nothing happens to it. */
  get connections(): number {
    return this.client.stderr.all.filter((line) => line.includes("connected to")).length;
  }

  /** The public URL. */
  get url(): URL {
    return this.client.url;
  }

  /** What a visitor sends as Host: the name with the port. */
  get host(): string {
    return this.client.url.host;
  }

  /** The first label of the name. */
  get id(): string {
    return this.client.url.hostname.split(".")[0] ?? "";
  }

  /** Connects as a visitor. */
  async open(): Promise<RawHTTP> {
    return await RawHTTP.open(Number(this.server.url.port));
  }

  /** Sends one request over a connection of its own and reads the whole response. */
  async request(target: string, request: VisitorRequest = {}): Promise<WholeResponse> {
    using visitor = await this.open();
    return await visitor.exchange(this.write(target, request), request.method);
  }

  /** Writes a request as a visitor of this tunnel sends it. */
  write(target: string, request: VisitorRequest = {}): string {
    const { method = "GET", host = this.host, fields = [], body } = request;
    const length: RawField[] = body === undefined ? [] : [["Content-Length", String(body.length)]];
    const lines = [["Host", host], ...fields, ...length].map(([name, value]) =>
      `${name}: ${value}`
    );
    const content = body === undefined ? "" : toText(toBytes(body));
    return [`${method} ${target} HTTP/1.1`, ...lines, "", content].join("\r\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}
