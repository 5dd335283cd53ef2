import { systemReason } from "../../net/system_reason.ts";
import type { DNSConnections } from "./dns_connections.ts";
import { MAX_QUERY } from "./dns_message.ts";

/** What a datagram is answered with; null for what is dropped. */
export type DatagramAnswer = Uint8Array<ArrayBuffer> | null;

export interface DNSSocketsOptions {
  readonly hostname: string;
  readonly port: number;
  readonly answer: (
    query: Uint8Array<ArrayBuffer>,
    sender: string,
  ) => DatagramAnswer | Promise<DatagramAnswer>;
  readonly connections: DNSConnections;
  /** They take no more queries. */
  readonly onEnd: (reason: string) => void;
}

/** A socket for datagrams and one for connections, on one port. */
export class DNSSockets {
  readonly #options: DNSSocketsOptions;
  readonly #datagrams: Deno.DatagramConn;
  readonly #listener: Deno.TcpListener;
  #isClosed = false;

  constructor(options: DNSSocketsOptions) {
    this.#options = options;
    const { hostname, port } = options;
    this.#listener = Deno.listen({ hostname, port });
    try {
      this.#datagrams = Deno.listenDatagram({ transport: "udp", hostname, port: this.port });
    } catch (error) {
      this.#listener.close();
      throw error;
    }
    this.#run(this.#answerDatagrams());
    this.#run(options.connections.serve(this.#listener));
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#datagrams.close();
    this.#listener.close();
    this.#options.connections.close();
  }

  #run(serving: Promise<void>): void {
    const end = (reason: string) => {
      if (!this.#isClosed) this.#options.onEnd(reason);
    };
    serving.then(() => end("they were closed"), (error) => end(systemReason(error)));
  }

  async #answerDatagrams(): Promise<void> {
    // One byte more shows what is too long, which the system would cut.
    const buffer = new Uint8Array(MAX_QUERY + 1);
    for (;;) {
      const [query, sender] = await this.#datagrams.receive(buffer);
      if (sender.transport !== "udp") continue;
      const answer = this.#options.answer(query, sender.hostname);
      if (answer instanceof Promise) void answer.then((later) => this.#send(later, sender));
      else await this.#send(answer, sender);
    }
  }

  async #send(answer: DatagramAnswer, sender: Deno.NetAddr): Promise<void> {
    if (answer === null) return;
    try {
      await this.#datagrams.send(answer, sender);
    } catch {
      // The sender cannot be reached, as one that was forged; the next one may. A socket that was closed ends what reads it.
    }
  }
}
