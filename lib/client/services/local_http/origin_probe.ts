import {
  type ForeignProtocol,
  foreignProtocol,
  TELLING_BYTES,
} from "../../../http/foreign_protocol.ts";
import { type ByteStream, closingOnAbort, writeAll } from "../../../net/byte_stream.ts";
import type { Dialer } from "../../../net/dialer.ts";

/** Milliseconds that a question may take: a visitor may be waiting. */
const PROBE_TIMEOUT = 2_000;

/** Finds out what an origin speaks that closes without a word when it is asked in HTTP/1.1. */
export async function probeOrigin(dialer: Dialer): Promise<ForeignProtocol | null> {
  const greetings = [clientHello(), HTTP2_PREFACE];
  const spoken = greetings.map((greeting) => answerTo(greeting, dialer).catch(() => null));
  return (await Promise.all(spoken)).find((each) => each !== null) ?? null;
}

async function answerTo(greeting: Uint8Array, dialer: Dialer): Promise<ForeignProtocol | null> {
  const controller = new AbortController();
  const { signal } = controller;
  const timer = setTimeout(() => controller.abort(), PROBE_TIMEOUT);
  try {
    const socket = await dialer.connect(signal);
    const spoken = await closingOnAbort(socket, signal, () => ask(socket, greeting));
    socket.close();
    return spoken;
  } finally {
    clearTimeout(timer);
  }
}

async function ask(socket: ByteStream, greeting: Uint8Array): Promise<ForeignProtocol | null> {
  await writeAll(socket, greeting);
  const octets = new Uint8Array(64);
  let length = 0;
  while (length < TELLING_BYTES) {
    const read = await socket.read(octets.subarray(length));
    if (read === null) break;
    length += read;
    const spoken = foreignProtocol(octets, 0, length);
    if (spoken !== null) return spoken;
  }
  return null;
}

/** What a client of HTTP/2 begins with: the preface, and settings without any (RFC 9113 section 3.4). */
const HTTP2_PREFACE = new TextEncoder().encode(
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
);

/** Cipher suites that servers know: of TLS 1.3, and of 1.2 with either kind of certificate (RFC 8446 appendix B.4). */
const CIPHER_SUITES = [0x13, 0x01, 0x13, 0x02, 0xc0, 0x2b, 0xc0, 0x2f, 0x00, 0x9c];

/** Writes the hello of a TLS client (RFC 5246 section 7.4.1.2), which every server answers, be it with an alert. */
function clientHello(): Uint8Array {
  const body = [
    ...[0x03, 0x03],
    ...crypto.getRandomValues(new Uint8Array(32)),
    ...[0x00],
    ...[0x00, CIPHER_SUITES.length, ...CIPHER_SUITES],
    ...[0x01, 0x00],
  ];
  const handshake = [0x01, 0x00, 0x00, body.length, ...body];
  return Uint8Array.of(0x16, 0x03, 0x01, 0x00, handshake.length, ...handshake);
}
