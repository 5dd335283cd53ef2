import type { Target } from "./load.ts";

/** Bytes moved at once. */
const BUFFER = 256 * 1024;

/** How much of a body went through. */
export interface Transfer {
  readonly bytes: number;
  readonly seconds: number;
}

/** Reads one long answer, but no longer than `limit` seconds. @throws {Error} when the connection ends early. */
export async function download(target: Target, length: number, limit: number): Promise<Transfer> {
  using socket = await open(target, `GET ${target.path}`, "");
  const buffer = new Uint8Array(BUFFER);
  const started = performance.now();
  let bytes = 0;
  while (bytes < length && performance.now() - started < limit * 1000) {
    const count = await socket.read(buffer);
    if (count === null) throw new Error(`the download ended after ${bytes} bytes`);
    bytes += count;
  }
  return { bytes, seconds: (performance.now() - started) / 1000 };
}

/** Sends one long body, but no longer than `limit` seconds, and waits for the answer to a complete one. */
export async function upload(target: Target, length: number, limit: number): Promise<Transfer> {
  using socket = await open(target, `POST ${target.path}`, `Content-Length: ${length}\r\n`);
  const buffer = new Uint8Array(BUFFER);
  const started = performance.now();
  let bytes = 0;
  while (bytes < length && performance.now() - started < limit * 1000) {
    bytes += await socket.write(buffer.subarray(0, Math.min(BUFFER, length - bytes)));
  }
  if (bytes === length) {
    const count = await socket.read(buffer) ?? 0;
    const answer = new TextDecoder().decode(buffer.subarray(0, count));
    if (!answer.startsWith("HTTP/1.1 200 ")) throw new Error(`the upload failed: ${answer}`);
  }
  return { bytes, seconds: (performance.now() - started) / 1000 };
}

async function open({ port, host }: Target, start: string, fields: string): Promise<Deno.TcpConn> {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port });
  const head = `${start} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${fields}\r\n`;
  await socket.write(new TextEncoder().encode(head));
  return socket;
}
