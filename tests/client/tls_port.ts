import { CERTIFICATE, pathOf } from "../testing/certificate.ts";

/** A port of this machine that speaks TLS with one of the certificates of the tests, and nothing behind it. */
export class TLSPort implements AsyncDisposable {
  readonly #listener: Deno.TlsListener;
  readonly #serving: Promise<void>;

  /** @param file the certificate's name among those of the tests. */
  constructor(file: string) {
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
      try {
        await peer.handshake();
        await peer.read(new Uint8Array(1024));
      } catch {
        // The client refuses the certificate.
      } finally {
        peer.close();
      }
    }
  }
}
