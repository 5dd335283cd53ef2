import { freePort } from "../testing/free_port.ts";
import type { Pebble } from "../testing/pebble.ts";
import { Program } from "../testing/program.ts";

/** A name that exists nowhere: visitors, the client and the authority are led to this machine. */
export const DOMAIN = "tunnel.example.test";

export interface ACMEServerOptions {
  readonly pebble: Pebble;
  /** The path of a folder for what the server keeps. */
  readonly state: string;
  /** The port on which it answers DNS queries. @default one that nobody asks */
  readonly dnsPort?: number;
  /** The port of the DNS server that it asks whether records are set. @default nobody is asked */
  readonly resolverPort?: number;
  /** The port at which it sends visitors to HTTPS. @default a free one */
  readonly httpPort?: number;
  /** Beside the others. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a server on this machine that gets its certificate from an authority of the test. */
export function startACMEServer(options: ACMEServerOptions): Promise<Program> {
  const env = { ...options.pebble.trusting, ...options.env };
  return Program.start("server.ts", acmeServerArgs(options), { env });
}

/** Returns the arguments of such a server. */
export function acmeServerArgs(options: Omit<ACMEServerOptions, "env">): string[] {
  const { pebble, state, dnsPort = 0, resolverPort, httpPort = 0, args = [] } = options;
  const resolver = resolverPort === undefined ? "off" : `127.0.0.1:${resolverPort}`;
  return [
    ...["--hostname", "127.0.0.1", "--port", "0", "--http-port", `${httpPort}`],
    ...["--domain", DOMAIN, "--acme", "you@example.com", "--acme-directory", pebble.directory],
    ...["--acme-dns-port", `${dnsPort}`, "--acme-resolver", resolver],
    ...["--open", "--state", state, "--log-format", "text"],
    ...args,
  ];
}

/** Returns the port at which a server sends visitors to HTTPS. */
export async function redirectPort(server: Program): Promise<number> {
  const line = await server.stderr.find(/are sent to HTTPS\s+port=(\d+)/);
  return Number(line?.[1]);
}

/** Connects to a port of this machine as a visitor of that name, who trusts one authority alone. */
export async function connectTrusting(
  port: number,
  { hostname, root }: { readonly hostname: string; readonly root: string },
): Promise<Deno.TlsConn> {
  const plain = await Deno.connect({ hostname: "127.0.0.1", port });
  plain.setNoDelay(true);
  const connection = await Deno.startTls(plain, { hostname, caCerts: [root] });
  try {
    await connection.handshake();
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** A proxy for CONNECT that leads every name to this machine. */
export class LoopbackProxy implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();

  constructor() {
    void this.#accept();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#open) connection.close();
    this.#open.clear();
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.#carry(connection).catch(() => {}).finally(() => this.#end(connection));
    }
  }

  async #carry(client: Deno.TcpConn): Promise<void> {
    this.#open.add(client);
    let head = "";
    const buffer = new Uint8Array(1024);
    while (!head.includes("\r\n\r\n")) {
      const count = await client.read(buffer);
      if (count === null) return;
      head += new TextDecoder().decode(buffer.subarray(0, count));
    }
    const port = Number(/^CONNECT \S+:(\d+) /.exec(head)?.[1]);
    const server = await Deno.connect({ hostname: "127.0.0.1", port });
    this.#open.add(server);
    try {
      await client.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\n"));
      const both = { preventClose: true };
      await Promise.all([
        client.readable.pipeTo(server.writable, both).finally(() => this.#end(server)),
        server.readable.pipeTo(client.writable, both).finally(() => this.#end(client)),
      ]);
    } finally {
      this.#end(server);
    }
  }

  #end(connection: Deno.Conn): void {
    if (!this.#open.delete(connection)) return;
    try {
      connection.close();
    } catch {
      // Its stream has closed it.
    }
  }
}

/** A DNS server that says of every name that it is this machine's. */
export class LoopbackNames implements Disposable {
  readonly port = freePort();
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: this.port });
  readonly #datagrams = Deno.listenDatagram({
    transport: "udp",
    hostname: "127.0.0.1",
    port: this.port,
  });

  constructor() {
    void this.#accept();
    void this.#receive();
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    this.#datagrams.close();
  }

  async #receive(): Promise<void> {
    for await (const [query, sender] of this.#datagrams) {
      await this.#datagrams.send(addressAnswer(query), sender);
    }
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      void this.#answer(connection).finally(() => connection.close());
    }
  }

  /** The authority asks once over each connection, in one piece. */
  async #answer(connection: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(1024);
    const count = await connection.read(buffer) ?? 0;
    const message = addressAnswer(buffer.subarray(2, count));
    await connection.write(Uint8Array.of(message.length >> 8, message.length & 0xff, ...message));
  }
}

/** Answers a query for an IPv4 address with this machine's, and others with nothing. */
function addressAnswer(query: Uint8Array): Uint8Array<ArrayBuffer> {
  const question = query.subarray(12, query.indexOf(0, 12) + 5);
  const isAddress = question.at(-3) === 1;
  const record = isAddress ? [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1] : [];
  const head = [...query.subarray(0, 2), 0x84, 0, 0, 1, 0, record.length / 16, 0, 0, 0, 0];
  return Uint8Array.from([...head, ...question, ...record]);
}
