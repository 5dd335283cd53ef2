/**
 * The server's side of the model: `Deno.serve` for visitors and for the client's WebSocket, one message for each turn of
 * the event loop, and nothing else. Prints its port.
 */
import { setImmediate } from "node:timers";

type Pair = [name: string, value: string];
type Answer = [id: number, status: number, fields: Pair[], body: string];

const waiting = new Map<number, (answer: Response) => void>();
let client: WebSocket | null = null;
let batch: string[] = [];
let lastId = 0;

Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(port) },
  (request) => {
    if (request.headers.get("upgrade") !== null) return accept(request);
    const fields: Pair[] = [];
    request.headers.forEach((value, name) => fields.push([name, value]));
    const target = request.url.slice(request.url.indexOf("/", "http://".length));
    const id = ++lastId;
    if (batch.length === 0) setImmediate(send);
    batch.push(JSON.stringify([id, request.method, target, fields]));
    return new Promise<Response>((resolve) => waiting.set(id, resolve));
  },
);

function send(): void {
  client?.send(`[${batch.join(",")}]`);
  batch = [];
}

function accept(request: Request): Response {
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
  client = socket;
  socket.onmessage = ({ data }) => {
    const answers: Answer[] = JSON.parse(data);
    for (const [id, status, headers, body] of answers) {
      waiting.get(id)?.(new Response(body, { status, headers }));
      waiting.delete(id);
    }
  };
  return response;
}
