import { RawHTTP } from "../testing/raw_http.ts";
import { ServedOrigin } from "../testing/served_origin.ts";
import { openWebSocket } from "../testing/websocket_peer.ts";

/** Bytes of each upload and each download: more than a window, so that credit must travel while it lasts. */
const BODY = 400_000;

/** Messages of each WebSocket. */
const MESSAGES = 5;

/** Milliseconds between two messages. */
const PAUSE = 20;

/** An origin with what mixed visits ask for: a page, uploads, downloads and WebSockets that echo. */
export class MixedOrigin extends ServedOrigin {
  static start(): MixedOrigin {
    return new MixedOrigin();
  }

  protected override async answer(request: Request): Promise<Response> {
    if (request.headers.get("upgrade") === "websocket") {
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.addEventListener("message", ({ data }) => socket.send(data));
      return response;
    }
    if (request.method === "PUT") return new Response(`${(await request.bytes()).length}`);
    return new Response(request.url.endsWith("/large") ? new Uint8Array(BODY) : "It works");
  }
}

/** What became of the visits of one kind. */
export interface VisitReport {
  readonly made: number;
  readonly failed: number;
  /** Failures by reason. */
  readonly reasons: Readonly<Record<string, number>>;
}

export type VisitKind = "uploads" | "downloads" | "webSockets";

/** Visits a MixedOrigin with uploads, downloads and WebSockets, one of each kind at a time, until it is stopped. */
export class MixedVisits implements AsyncDisposable {
  readonly #port: () => number;
  readonly #host: string;
  readonly #loops: readonly Promise<[VisitKind, VisitReport]>[];
  #isStopped = false;

  private constructor(port: () => number, host: string) {
    this.#port = port;
    this.#host = host;
    this.#loops = [
      this.#loop("uploads", () => this.#upload()),
      this.#loop("downloads", () => this.#download()),
      this.#loop("webSockets", () => this.#webSocket()),
    ];
  }

  /** Begins; `port` says to which port of this machine the next visit goes. */
  static start(
    { port, host }: { readonly port: () => number; readonly host: string },
  ): MixedVisits {
    return new MixedVisits(port, host);
  }

  /** Begins no more visits, waits for those under way and tells what became of all. */
  async stop(): Promise<Readonly<Record<VisitKind, VisitReport>>> {
    this.#isStopped = true;
    const none: VisitReport = { made: 0, failed: 0, reasons: {} };
    const reports = { uploads: none, downloads: none, webSockets: none };
    return { ...reports, ...Object.fromEntries(await Promise.all(this.#loops)) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #loop(kind: VisitKind, visit: () => Promise<void>): Promise<[VisitKind, VisitReport]> {
    const reasons: Record<string, number> = {};
    let made = 0;
    let failed = 0;
    while (!this.#isStopped) {
      try {
        await visit();
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        reasons[reason] = (reasons[reason] ?? 0) + 1;
        failed++;
      }
      made++;
    }
    return [kind, { made, failed, reasons }];
  }

  async #upload(): Promise<void> {
    using visitor = await RawHTTP.open(this.#port());
    const head = `PUT / HTTP/1.1\r\nHost: ${this.#host}\r\nContent-Length: ${BODY}\r\n`;
    const answer = visitor.receiveAll();
    // An answer that comes early closes the connection, and then says more than the write that fails.
    const [{ status, text }] = await Promise.all([
      answer,
      visitor.send(`${head}Connection: close\r\n\r\n`)
        .then(() => visitor.send(new Uint8Array(BODY)))
        .catch(() => {}),
    ]);
    if (status !== 200) throw new Error(`status ${status}`);
    if (text !== `${BODY}`) throw new Error(`the origin got ${text} bytes`);
  }

  async #download(): Promise<void> {
    using visitor = await RawHTTP.open(this.#port());
    const { status, body } = await visitor.exchange(
      `GET /large HTTP/1.1\r\nHost: ${this.#host}\r\nConnection: close\r\n\r\n`,
    );
    if (status !== 200) throw new Error(`status ${status}`);
    if (body.length !== BODY) throw new Error(`${body.length} bytes came`);
  }

  async #webSocket(): Promise<void> {
    const headers = { host: this.#host };
    using peer = await openWebSocket(`ws://127.0.0.1:${this.#port()}/`, { headers });
    for (let i = 0; i < MESSAGES; i++) {
      peer.send(`${i}`);
      if (await peer.next() !== `${i}`) throw new Error("another echo");
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    peer.close(1000);
    const { code } = await peer.closed;
    if (code !== 1000) throw new Error(`closed with ${code}`);
  }
}
