import { CERTIFICATE, pathOf } from "./certificate.ts";

/** A port of this machine that speaks TLS with one of the certificates of the tests, one connection after the other. */
export class TLSPort implements AsyncDisposable {
  readonly #listener: Deno.TlsListener;
  readonly #serving: Promise<void>;
  readonly #answer: (peer: Deno.TlsConn) => Promise<void>;

  /** Takes the certificate's name among those of the tests, and what serves a connection: by default nothing is behind it. */
  constructor(file: string, answer = readOnce) {
    this.#answer = answer;
    this.#listener = Deno.listenTls({
      hostname: "127.0.0.1",
      port: 0,
      cert: Deno.readTextFileSync(pathOf(file)),
      key: Deno.readTextFileSync(CERTIFICATE.keyFile),
    });
    this.#serving = this.#serve();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
  }

  async #serve(): Promise<void> {
    for await (const peer of this.#listener) {
      // A client that does not trust the certificate goes within the handshake.
      await this.#answer(peer).catch(() => {});
    }
  }
}

async function readOnce(peer: Deno.TlsConn): Promise<void> {
  try {
    await peer.handshake();
    await peer.read(new Uint8Array(1024));
  } finally {
    peer.close();
  }
}

/** Sends back whatever comes, to its end. */
export async function echoTLS({ readable, writable }: Deno.TlsConn): Promise<void> {
  await readable.pipeTo(writable);
}
