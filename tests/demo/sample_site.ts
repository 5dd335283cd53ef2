import { createHash } from "node:crypto";

/** Milliseconds between two events of the clock. */
const TICK = 1000;

/** A small web site that uses what a tunnel has to carry: pages, events, uploads and WebSockets. */
export class SampleSite {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #clocks = new Set<() => void>();
  readonly #sockets = new Set<WebSocket>();

  /** Listens on this machine alone; port 0 lets the system choose. @throws {Deno.errors.AddrInUse} */
  constructor(port: number) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port, onListen: () => {} },
      (request) => this.#respond(request),
    );
  }

  get port(): number {
    return this.#server.addr.port;
  }

  /** Ends what would go on for ever, then waits for the rest. */
  async shutdown(): Promise<void> {
    for (const end of [...this.#clocks]) end();
    for (const socket of this.#sockets) socket.close(1001, "the demo ends");
    await this.#server.shutdown();
  }

  #respond(request: Request): Response | Promise<Response> {
    const { pathname } = new URL(request.url);
    switch (`${request.method} ${pathname}`) {
      case "GET /":
        return page();
      case "GET /request":
        return Response.json({ method: request.method, fields: [...request.headers] });
      case "GET /clock":
        return this.#clock();
      case "POST /upload":
        return digest(request);
      case "GET /echo":
        return this.#echo(request);
      default:
        return new Response("There is no such page.\n", { status: 404 });
    }
  }

  /** Streams Server-Sent Events (WHATWG HTML section 9.2), one a second. */
  #clock(): Response {
    let end = (): void => {};
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const encoder = new TextEncoder();
        const tick = (): void =>
          controller.enqueue(encoder.encode(`data: ${new Date().toISOString()}\n\n`));
        const timer = setInterval(tick, TICK);
        end = () => {
          clearInterval(timer);
          this.#clocks.delete(end);
          controller.close();
        };
        this.#clocks.add(end);
        tick();
      },
      cancel: () => end(),
    });
    return new Response(body, {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    });
  }

  #echo(request: Request): Response {
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return new Response("A WebSocket is expected here.\n", { status: 426 });
    }
    const { response, socket } = Deno.upgradeWebSocket(request);
    socket.addEventListener("open", () => this.#sockets.add(socket));
    socket.addEventListener("message", ({ data }) => socket.send(data));
    socket.addEventListener("close", () => this.#sockets.delete(socket));
    return response;
  }
}

/** Reads the page anew for each visitor, so that a change to it shows without a restart. */
async function page(): Promise<Response> {
  const html = await Deno.readFile(new URL("page.html", import.meta.url));
  return new Response(html, {
    headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" },
  });
}

/** Tells how much arrived, and its SHA-256, which the page compares with that of what it sent. */
async function digest({ body }: Request): Promise<Response> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of body ?? []) {
    hash.update(piece);
    bytes += piece.length;
  }
  return Response.json({ bytes, sha256: hash.digest("hex") });
}
