import type { Load, LoadOptions, Target } from "./load.ts";

/** Bytes read at once. */
const READ_BUFFER = 64 * 1024;

/** Sends requests over plain connections, for where wrk is not installed. @throws {Error} when an answer is not 200. */
export async function connectionLoad(
  target: Target,
  { connections, seconds }: LoadOptions,
): Promise<Load> {
  const latencies: number[] = [];
  const started = performance.now();
  const end = started + seconds * 1000;
  const visitors = Array.from({ length: connections }, () => visit(target, end, latencies));
  await Promise.all(visitors);
  const elapsed = (performance.now() - started) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (part: number): number => latencies[Math.floor(latencies.length * part)] ?? NaN;
  return { requests: latencies.length, seconds: elapsed, p50: at(0.5), p99: at(0.99) };
}

async function visit(target: Target, end: number, latencies: number[]): Promise<void> {
  using visitor = await Visitor.open(target);
  for (let now = performance.now(); now < end;) {
    await visitor.ask();
    const then = performance.now();
    latencies.push(then - now);
    now = then;
  }
}

/** Asks so many times on each connection, one request at a time: the same work whenever it is done. */
export async function countedLoad(
  target: Target,
  { connections, rounds }: { readonly connections: number; readonly rounds: number },
): Promise<void> {
  const visitors = Array.from({ length: connections }, async () => {
    using visitor = await Visitor.open(target);
    for (let i = 0; i < rounds; i++) await visitor.ask();
  });
  await Promise.all(visitors);
}

/** A connection that asks for the same thing over and over. */
class Visitor implements Disposable {
  readonly #socket: Deno.TcpConn;
  readonly #request: Uint8Array;
  readonly #buffer = new Uint8Array(READ_BUFFER);

  private constructor(socket: Deno.TcpConn, request: Uint8Array) {
    this.#socket = socket;
    this.#request = request;
  }

  static async open({ port, host, path }: Target): Promise<Visitor> {
    const socket = await Deno.connect({ hostname: "127.0.0.1", port });
    socket.setNoDelay(true);
    const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    return new Visitor(socket, new TextEncoder().encode(request));
  }

  async ask(): Promise<void> {
    await this.#socket.write(this.#request);
    await readAnswer(this.#socket, this.#buffer);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/** Reads one answer to its end, which its Content-Length must tell. */
async function readAnswer(socket: Deno.TcpConn, buffer: Uint8Array): Promise<void> {
  let length = await read(socket, buffer);
  let headEnd = endOfHead(buffer, length);
  while (headEnd === -1) {
    length += await read(socket, buffer.subarray(length));
    headEnd = endOfHead(buffer, length);
  }
  const head = new TextDecoder().decode(buffer.subarray(0, headEnd));
  const announced = /^HTTP\/1\.1 200 [^]*\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (announced === undefined) throw new Error(`not an answer with a length: ${head}`);
  let rest = Number(announced) - (length - headEnd);
  while (rest > 0) rest -= await read(socket, buffer);
}

async function read(socket: Deno.TcpConn, buffer: Uint8Array): Promise<number> {
  const count = await socket.read(buffer);
  if (!count) throw new Error("the connection ended within an answer");
  return count;
}

/** Finds the offset behind the empty line, or -1. */
function endOfHead(buffer: Uint8Array, length: number): number {
  for (let i = 3; i < length; i++) {
    if (buffer[i] === 0x0a && buffer[i - 1] === 0x0d && buffer[i - 2] === 0x0a) return i + 1;
  }
  return -1;
}
