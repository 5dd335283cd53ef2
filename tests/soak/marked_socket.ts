import { openWebSocket } from "../testing/websocket_peer.ts";
import { Buffer } from "node:buffer";
import { markedPieces } from "./marked_origin.ts";
import type { Outcome } from "./visits.ts";

/** Messages of one WebSocket, each echoed before the next is sent. */
export const MESSAGES = 20;

/** Bytes of all the pieces that the messages are made of: 16 KiB each, of which a message has the whole, a half, a quarter and so on. */
const PIECES = MESSAGES * 16 * 1024;

/** Halvings of a piece, after which a message is a whole one again. */
const HALVINGS = 10;

/** Milliseconds between two messages. */
const PAUSE = 50;

/** Of so many WebSockets one ends without a close. */
const VANISHING = 10;

/** Where a visitor's WebSocket leads. */
export interface SocketAddress {
  readonly port: number;
  /** What is sent as Host. */
  readonly host: string;
}

/** Opens a WebSocket of its own, talks with the origin for a second and judges every message. */
export async function talk({ port, host }: SocketAddress, id: number): Promise<Outcome> {
  const url = `ws://127.0.0.1:${port}/socket?id=${id}`;
  using socket = await openWebSocket(url, { headers: { host } });
  if (await socket.next() !== `${id}`) return "another's";
  let sent = 0;
  for (const piece of markedPieces(id, PIECES)) {
    const message = piece.slice(0, piece.length >> (sent++ % HALVINGS));
    socket.send(message);
    const echo = await socket.next();
    if (typeof echo === "string" || Buffer.compare(echo, message) !== 0) return "wrong";
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  if (id % VANISHING === 0) return "right";
  socket.close(1000, `${id}`);
  const { code, reason } = await socket.closed;
  return code === 1000 && reason === `${id}` ? "right" : "cut";
}
