import { MAX_TRANSPORT_MESSAGE } from "../wire/limits.ts";
import type { DialledWebSocket } from "./dial.ts";
import { FramedSocket } from "./framed_socket.ts";
import { WebSocketTransport } from "./websocket_transport.ts";

/**
 * Milliseconds in which bytes must still move on a connection that closes: less than a server waits, for its owner may
 * wait for the program to end.
 */
const CLOSE_TIMEOUT = 1_000;

/** Makes the transport of a client's end, whose `start` is to be called in the same task. */
export function dialledTransport({ connection, early }: DialledWebSocket): WebSocketTransport {
  const socket = new FramedSocket({ role: "client", maxMessage: MAX_TRANSPORT_MESSAGE });
  socket.open(connection, early);
  return new WebSocketTransport(socket, CLOSE_TIMEOUT);
}
