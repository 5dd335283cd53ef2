// @ts-types="@types/ws"
import { WebSocketServer } from "ws";
import { within } from "../testing/within.ts";

/** Bytes of the longest message that Autobahn sends (cases 9.1.6 and 9.2.6). */
const MAX_PAYLOAD = 16 * 1024 * 1024;

/** Two services that send each WebSocket message back: one made with `ws`, one with plain `Deno.serve`. */
export class EchoOrigin implements AsyncDisposable {
  readonly port: number;
  readonly denoPort: number;
  readonly #ws: WebSocketServer;
  readonly #deno: Deno.HttpServer<Deno.NetAddr>;

  private constructor(ws: WebSocketServer, port: number) {
    this.#ws = ws;
    this.port = port;
    ws.on("connection", (socket) => {
      // What the suite does wrong on purpose ends the socket; a close follows.
      socket.on("error", () => {});
      socket.on("message", (data, binary) => socket.send(data, { binary }));
    });
    const address = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#deno = Deno.serve(address, (request) => {
      if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
        return new Response("echo\n");
      }
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.binaryType = "arraybuffer";
      socket.onmessage = ({ data }) => socket.send(data);
      return response;
    });
    this.denoPort = this.#deno.addr.port;
  }

  static async start(): Promise<EchoOrigin> {
    const options = {
      host: "127.0.0.1",
      port: 0,
      perMessageDeflate: false,
      maxPayload: MAX_PAYLOAD,
    };
    const ws = new WebSocketServer(options);
    await within(new Promise((resolve) => ws.on("listening", resolve)), "the origin to listen");
    const address = ws.address();
    if (address === null || typeof address === "string") throw new Error("no port to listen on");
    return new EchoOrigin(ws, address.port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#ws.clients) socket.terminate();
    this.#ws.close();
    await this.#deno.shutdown();
  }
}
