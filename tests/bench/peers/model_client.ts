/**
 * The client's side of the model: one WebSocket, kept connections to the origin, one read for each answer. Takes the
 * server's host and port and the origin's port, and says when it is connected.
 */
import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers";
// @ts-types="@types/ws"
import { WebSocket } from "ws";

type Pair = [name: string, value: string];
type Asked = [id: number, method: string, target: string, fields: Pair[]];

interface Connection {
  readonly socket: Deno.TcpConn;
  readonly buffer: Uint8Array<ArrayBuffer>;
  readonly text: Buffer;
}

/** Bytes of the longest answer, head and body: the model carries no other. */
const READ_BUFFER = 16 * 1024;

const [server = "", originPort = ""] = Deno.args;
const encoder = new TextEncoder();
const idle: Connection[] = [];
const tunnel = new WebSocket(`ws://${server}/`, { perMessageDeflate: false });
let batch: string[] = [];

tunnel.on("open", () => console.log("connected"));
tunnel.on("message", (data) => {
  const requests: Asked[] = JSON.parse(String(data));
  for (const request of requests) void ask(request);
});

async function ask([id, method, target, fields]: Asked): Promise<void> {
  const connection = idle.pop() ?? await connect();
  let head = `${method} ${target} HTTP/1.1\r\n`;
  for (const [name, value] of fields) head += `${name}: ${value}\r\n`;
  await connection.socket.write(encoder.encode(`${head}\r\n`));
  const length = await connection.socket.read(connection.buffer) ?? 0;
  const text = connection.text.toString("latin1", 0, length);
  idle.push(connection);

  const end = text.indexOf("\r\n\r\n");
  const [start = "", ...lines] = text.slice(0, end).split("\r\n");
  const answered = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 2)];
  });
  if (batch.length === 0) setImmediate(send);
  batch.push(JSON.stringify([id, Number(start.split(" ")[1]), answered, text.slice(end + 4)]));
}

function send(): void {
  tunnel.send(`[${batch.join(",")}]`);
  batch = [];
}

async function connect(): Promise<Connection> {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port: Number(originPort) });
  socket.setNoDelay(true);
  const buffer = new Uint8Array(READ_BUFFER);
  return { socket, buffer, text: Buffer.from(buffer.buffer) };
}
