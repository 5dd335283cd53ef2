/** An origin at a port of this machine that speaks HTTP as `Deno.serve` does; what it answers is its own. */
export abstract class ServedOrigin implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #abort = new AbortController();

  constructor(port = 0) {
    const { signal } = this.#abort;
    const options = { hostname: "127.0.0.1", port, signal, onListen() {} };
    this.#server = Deno.serve(options, (request) => this.answer(request));
  }

  get port(): number {
    return this.#server.addr.port;
  }

  /** Ends at once, with all that is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#server.finished;
  }

  protected abstract answer(request: Request): Response | Promise<Response>;
}
