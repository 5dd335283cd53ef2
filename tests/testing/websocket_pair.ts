// @ts-types="@types/ws"
import { type ClientOptions, WebSocket as NodeWebSocket } from "ws";
import { within } from "./within.ts";

/** Bytes of the longest message that the near end takes, as in a tunnel's client. */
const MAX_PAYLOAD = 64 * 1024 * 1024;

/** Two ends of one real WebSocket: `ws` on the near side as in a client, `Deno.serve` on the far one. */
export interface WebSocketPair extends AsyncDisposable {
  readonly near: NodeWebSocket;
  readonly far: WebSocket;
}

/** Joins a `ws` and a `Deno.serve` WebSocket over the loopback; both are closed when the scope ends. */
export async function webSocketPair(options: ClientOptions = {}): Promise<WebSocketPair> {
  const accepted = Promise.withResolvers<WebSocket>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => accepted.resolve(socket));
    return response;
  });
  const near = new NodeWebSocket(`ws://127.0.0.1:${server.addr.port}/`, {
    perMessageDeflate: false,
    maxPayload: MAX_PAYLOAD,
    ...options,
  });
  near.binaryType = "arraybuffer";
  const [far] = await within(
    Promise.all([accepted.promise, eventOf(near, "open")]),
    "a WebSocket to open",
  );
  const closed = [eventOf(near, "close"), eventOf(far, "close")];
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      if (near.readyState !== NodeWebSocket.CLOSED) near.terminate();
      await within(Promise.all(closed), "both ends to close");
      await server.shutdown();
    },
  };
}

function eventOf(socket: NodeWebSocket | WebSocket, type: "open" | "close"): Promise<unknown> {
  return new Promise((resolve) => socket.addEventListener(type, resolve));
}
