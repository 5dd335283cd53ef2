import type { Target } from "../load.ts";

/** Visitors at a time. */
const CONNECTIONS = 8;
/** Messages that each has on their way; the next as many are sent once all of them have come back. */
const IN_FLIGHT = 32;
/** Bytes of a message. */
const LENGTH = 16;

/** Bytes of a frame with a message as a client sends it, masked, and as a server sends it (RFC 6455, section 5.2). */
const SENT = 2 + 4 + LENGTH;
const RECEIVED = 2 + LENGTH;

/** Sends messages to an echo for that many seconds and returns how many came back each second. @throws {Error} when one fails. */
export async function webSocketLoad(target: Target, seconds: number): Promise<number> {
  const started = performance.now();
  const end = started + seconds * 1000;
  const counts = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => visit(target, () => performance.now() < end)),
  );
  const elapsed = (performance.now() - started) / 1000;
  return counts.reduce((sum, count) => sum + count) / elapsed;
}

/** Sends so many batches of messages as each of the visitors and returns how many came back. */
export async function countedMessages(target: Target, batches: number): Promise<number> {
  const counts = await Promise.all(
    Array.from(
      { length: CONNECTIONS },
      () => visit(target, (count) => count < batches * IN_FLIGHT),
    ),
  );
  return counts.reduce((sum, count) => sum + count);
}

async function visit(
  { port, host, path }: Target,
  goesOn: (count: number) => boolean,
): Promise<number> {
  using socket = await Deno.connect({ hostname: "127.0.0.1", port });
  socket.setNoDelay(true);
  const buffer = new Uint8Array(64 * 1024);
  await socket.write(new TextEncoder().encode(
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  ));
  let answer = "";
  while (!answer.includes("\r\n\r\n")) {
    answer += new TextDecoder().decode(await read(socket, buffer));
  }
  if (!answer.startsWith("HTTP/1.1 101 ")) throw new Error(`no WebSocket: ${answer}`);

  const frames = manyFrames();
  let count = 0;
  while (goesOn(count)) {
    for (let sent = 0; sent < frames.length;) sent += await socket.write(frames.subarray(sent));
    for (let rest = RECEIVED * IN_FLIGHT; rest > 0;) rest -= (await read(socket, buffer)).length;
    count += IN_FLIGHT;
  }
  return count;
}

async function read(socket: Deno.TcpConn, buffer: Uint8Array): Promise<Uint8Array> {
  const count = await socket.read(buffer);
  if (count === null) throw new Error("the WebSocket's connection ended");
  return buffer.subarray(0, count);
}

/** Writes binary messages of zeros, whose masked bytes are those of the mask. */
function manyFrames(): Uint8Array {
  const frames = new Uint8Array(SENT * IN_FLIGHT).fill(0x5a);
  for (let at = 0; at < frames.length; at += SENT) frames.set([0x82, 0x80 | LENGTH], at);
  return frames;
}
