import type { Tunnel } from "./tunnel.ts";
import { openWebSocket, type VisitOptions, type WebSocketPeer } from "./websocket_peer.ts";
import { acceptKey } from "./websocket_frame.ts";

/** Opens a WebSocket as a visitor, by the tunnel's host unless the options name another. */
export function visitWebSocket(
  tunnel: Tunnel,
  target = "/",
  options: VisitOptions = {},
): Promise<WebSocketPeer> {
  const headers = { host: tunnel.host, ...options.headers };
  const url = `ws://127.0.0.1:${tunnel.server.url.port}${target}`;
  return openWebSocket(url, { ...options, headers });
}

/** Sends back whatever comes, as it came. */
export function echo({ socket }: WebSocketPeer): void {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
}

/** Returns an origin's 101 for a key, with more lines if need be (RFC 6455 section 4.2.2). */
export function accepting(key: string | null, lines = ""): string {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${acceptKey(key ?? "")}\r\n${lines}\r\n`;
}
