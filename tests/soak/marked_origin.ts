import { createHash } from "node:crypto";
import { Pattern } from "../testing/pattern.ts";
import { ServedOrigin } from "../testing/served_origin.ts";

const PATTERN = new Pattern();

/** Bytes between the beginnings of two bodies in the pattern, a prime: no two requests share a beginning for long. */
const STRIDE = 7_919;

/** Bytes of a piece of a body. */
const PIECE = 16 * 1024;

/** Milliseconds between two events of a stream of them. */
const EVENT_INTERVAL = 250;

/** The last event of a stream: without it, the stream was cut. */
export const LAST_EVENT = "event: end\ndata:\n\n";

/** Gives the body that belongs to one id and to no other, piece by piece. */
export function* markedPieces(id: number, length: number): Generator<Uint8Array<ArrayBuffer>> {
  for (let done = 0; done < length;) {
    const piece = PATTERN.at(id * STRIDE + done, Math.min(PIECE, length - done));
    yield piece;
    done += piece.length;
  }
}

/** Returns the SHA-256 of that body, in hexadecimal. */
export function markedHash(id: number, length: number): string {
  const hash = createHash("sha256");
  for (const piece of markedPieces(id, length)) hash.update(piece);
  return hash.digest("hex");
}

/** An origin whose every answer belongs to the id that was asked with, and which checks what is sent to it. */
export class MarkedOrigin extends ServedOrigin {
  /** Uploads that looked whole and were not what their visitor sent. */
  damaged = 0;

  static start({ port = 0 } = {}): MarkedOrigin {
    return new MarkedOrigin(port);
  }

  protected override async answer(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const id = Number(searchParams.get("id"));
    const length = Number(searchParams.get("length"));
    const headers = { id: `${id}` };
    if (pathname === "/down") {
      const body = ReadableStream.from(pieces(id, length));
      const framing = searchParams.has("chunked") ? {} : { "content-length": `${length}` };
      return new Response(body, { headers: { ...headers, ...framing } });
    }
    if (pathname === "/socket") return echoing(request, id);
    if (pathname === "/up") return await this.#upload(request, id, length);
    if (pathname === "/events") {
      const type = { "content-type": "text/event-stream" };
      return new Response(events(id, length, request.signal), { headers: { ...headers, ...type } });
    }
    // What has no answer yet when the fault comes.
    if (pathname === "/late") await new Promise((resolve) => setTimeout(resolve, length));
    return new Response("late\n", { headers });
  }

  async #upload(request: Request, id: number, length: number): Promise<Response> {
    const hash = createHash("sha256");
    try {
      for await (const bytes of request.body ?? []) hash.update(bytes);
    } catch {
      return new Response("cut\n", { status: 400 });
    }
    const sha256 = hash.digest("hex");
    if (sha256 !== markedHash(id, length)) this.damaged++;
    return new Response(sha256, { headers: { id: `${id}` } });
  }
}

/** Accepts a WebSocket, says its id and echoes each message. */
function echoing(request: Request, id: number): Response {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.binaryType = "arraybuffer";
  socket.addEventListener("open", () => socket.send(`${id}`));
  socket.addEventListener("message", ({ data }) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(data);
  });
  return response;
}

/** What a response gives away is a copy, for the pattern stays. */
function* pieces(id: number, length: number): Generator<Uint8Array<ArrayBuffer>> {
  for (const piece of markedPieces(id, length)) yield piece.slice();
}

/** Sends so many events, each with the id, and a last one. */
function events(id: number, count: number, signal: AbortSignal): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return ReadableStream.from(async function* () {
    for (let sent = 0; sent < count && !signal.aborted; sent++) {
      yield encoder.encode(`data: ${id}\n\n`);
      await new Promise((resolve) => setTimeout(resolve, EVENT_INTERVAL));
    }
    if (!signal.aborted) yield encoder.encode(LAST_EVENT);
  }());
}
