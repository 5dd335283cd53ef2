import type { Target } from "../load.ts";

/** Bytes sent or read at a time. */
const BUFFER = 256 * 1024;

const zeros = new Uint8Array(BUFFER);

/** Bodies of one length, moved over and over on connections that are kept. */
export interface BodyLoad {
  readonly direction: "download" | "upload";
  /** Bytes of one body. */
  readonly length: number;
  readonly connections: number;
  /** Seconds after which no further body is begun, and one that is under way is left. */
  readonly seconds: number;
  /** Bodies on each connection at most. @default as many as there is time for */
  readonly repeats?: number;
}

/** Returns how many bytes of bodies went through each second, in millions. */
export async function bodyLoad(target: Target, load: BodyLoad): Promise<number> {
  const started = performance.now();
  const end = started + load.seconds * 1000;
  const moved = await Promise.all(
    Array.from({ length: load.connections }, () => visit(target, load, end)),
  );
  const bytes = moved.reduce((sum, count) => sum + count);
  return bytes / 1e3 / (performance.now() - started);
}

async function visit({ port, host, path }: Target, load: BodyLoad, end: number): Promise<number> {
  using socket = await Deno.connect({ hostname: "127.0.0.1", port });
  socket.setNoDelay(true);
  const isUpload = load.direction === "upload";
  const start = isUpload
    ? `POST / HTTP/1.1\r\nContent-Length: ${load.length}`
    : `GET ${path} HTTP/1.1`;
  const head = new TextEncoder().encode(`${start}\r\nHost: ${host}\r\n\r\n`);
  const reader = new AnswerReader(socket);
  let moved = 0;
  for (let i = 0; i < (load.repeats ?? Infinity) && performance.now() < end; i++) {
    await socket.write(head);
    const sent = isUpload ? await sendBody(socket, load.length, end) : 0;
    moved += sent;
    if (isUpload && sent < load.length) break;
    const read = await reader.read(end);
    if (!isUpload) moved += read;
  }
  return moved;
}

async function sendBody(socket: Deno.TcpConn, length: number, end: number): Promise<number> {
  let sent = 0;
  while (sent < length && performance.now() < end) {
    sent += await socket.write(zeros.subarray(0, Math.min(BUFFER, length - sent)));
  }
  return sent;
}

/** Reads answers with a Content-Length, one behind the other. */
class AnswerReader {
  readonly #socket: Deno.TcpConn;
  readonly #buffer = new Uint8Array(BUFFER);

  constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
  }

  /** Returns how many bytes of the body came before `end`. @throws {Error} when the answer is not 200. */
  async read(end: number): Promise<number> {
    let head = "";
    let count = 0;
    let bodyAt = -1;
    while (bodyAt === -1) {
      count = await this.#fill();
      head += new TextDecoder("latin1").decode(this.#buffer.subarray(0, count));
      bodyAt = head.indexOf("\r\n\r\n");
    }
    const announced = /^HTTP\/1\.1 200 [^]*\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (announced === undefined) {
      throw new Error(`not an answer with a length: ${head.slice(0, 200)}`);
    }
    let got = head.length - bodyAt - 4;
    while (got < Number(announced) && performance.now() < end) got += await this.#fill();
    return got;
  }

  async #fill(): Promise<number> {
    const count = await this.#socket.read(this.#buffer);
    if (!count) throw new Error("the connection ended within an answer");
    return count;
  }
}
