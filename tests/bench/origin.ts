/**
 * A service that costs next to nothing, in a process of its own. Prints its port and ends with its standard input, so
 * that it never outlives the process that started it.
 *
 * `/` is a small answer, `/bytes/<n>` is n bytes at once (1 MiB at most), `/stream/<n>` n bytes piece by piece; `POST`
 * counts a body, `/received` tells how many bytes of bodies there were so far, and `/websocket` sends messages back.
 */
const SMALL = new TextEncoder().encode("Hello, world\n");

/** Bytes of an answer that is sent whole at most, and of each piece of one that is streamed. */
const zeros = new Uint8Array(1024 * 1024);

let received = 0;

const server = Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(port),
}, respond);

for await (const _ of Deno.stdin.readable);
await server.shutdown();

function respond(request: Request): Response | Promise<Response> {
  if (request.method === "POST") return count(request);
  const [, kind, digits] = /\/(bytes|stream|received|websocket)(?:\/(\d+))?$/.exec(request.url) ??
    [];
  const length = Number(digits);
  if (kind === "bytes") return new Response(zeros.subarray(0, length));
  if (kind === "stream") return stream(length);
  if (kind === "received") return new Response(`${received}\n`);
  if (kind === "websocket") return echo(request);
  return new Response(SMALL);
}

function stream(length: number): Response {
  let rest = length;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const piece = zeros.subarray(0, rest);
      rest -= piece.length;
      if (piece.length > 0) controller.enqueue(piece);
      else controller.close();
    },
  }, { highWaterMark: 0 });
  return new Response(body, { headers: { "content-length": `${length}` } });
}

async function count({ body }: Request): Promise<Response> {
  let bytes = 0;
  try {
    for await (const piece of body ?? []) {
      bytes += piece.length;
      received += piece.length;
    }
  } catch {
    // The visitor's time was up, and nobody reads the answer.
  }
  return new Response(`${bytes}\n`);
}

function echo(request: Request): Response {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => socket.send(data);
  // A visitor that goes without a close is no failure of the measurement.
  socket.onerror = (event) => event.preventDefault();
  return response;
}
