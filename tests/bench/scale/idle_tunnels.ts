/**
 * Many clients that do nothing: each has a key of its own, registers, answers pings and gets no requests. Called with
 * the server's port; each line of the standard input is how many there are to be, and is printed once there are. Ends
 * with its standard input.
 */
import { signClaim } from "../../../lib/identity/claim.ts";
import { decodeFrames, FrameType } from "../../../lib/wire/frame.ts";
import {
  decodeChallenge,
  decodeResponse,
  encodeMessage,
  SUBPROTOCOL,
  SUBSCRIBE_PATH,
} from "../../../lib/wire/messages.ts";
import { newSigningKey } from "../../testing/ed25519.ts";
import { frameOf } from "../../testing/frame_peer.ts";
import { BINARY, MessageReader, PING, PONG } from "../message_reader.ts";

/** Clients that register at the same time: the server takes 16 of one network that have not finished. */
const AT_ONCE = 12;

/** Bytes of a read buffer: what comes to a client without requests is short. */
const BUFFER = 1024;

const [port = 0] = Deno.args.map(Number);
const audience = `http://127.0.0.1:${port}`;

let count = 0;
let lost = 0;
let rest = "";
for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + text).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) {
    await growTo(Number(line));
    console.log(`${count} ${lost}`);
  }
}
Deno.exit();

async function growTo(wanted: number): Promise<void> {
  const registering = Array.from({ length: AT_ONCE }, async () => {
    while (count < wanted) {
      count++;
      await register();
    }
  });
  await Promise.all(registering);
}

/** Resolves once the server has taken the client, which then lives by itself. */
async function register(): Promise<void> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(
    `GET ${SUBSCRIBE_PATH} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\n` +
      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
      `Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`,
  ));
  const registered = Promise.withResolvers<void>();
  const answer = async (payload: Uint8Array): Promise<void> => {
    const { nonce } = decodeChallenge(payload);
    const jws = await signClaim({ audience, nonce }, await newSigningKey());
    await send(connection, FrameType.RegistrationRequest, encodeMessage({ jws }));
  };
  const reader = new MessageReader((opcode, payload) => {
    if (opcode === PING) void connection.write(webSocketFrame(PONG, payload));
    if (opcode !== BINARY) return;
    decodeFrames(payload, (type, _flags, _stream, payload) => {
      if (type === FrameType.RegistrationChallenge) answer(payload).catch(registered.reject);
      if (type === FrameType.Ping) void send(connection, FrameType.Pong, payload);
      if (type !== FrameType.RegistrationResponse) return;
      decodeResponse(payload);
      registered.resolve();
    });
  });
  void live(connection, reader).catch(registered.reject);
  await registered.promise;
}

async function live(connection: Deno.TcpConn, reader: MessageReader): Promise<void> {
  const buffer = new Uint8Array(BUFFER);
  for (;;) {
    const length = await connection.read(buffer);
    if (length === null) break;
    reader.push(buffer.subarray(0, length));
  }
  lost++;
  connection.close();
  throw new Error("the server closed the connection");
}

async function send(connection: Deno.TcpConn, type: number, payload: Uint8Array): Promise<void> {
  await connection.write(webSocketFrame(BINARY, frameOf(type, { payload })));
}

/** Writes a client's frame of less than 64 KiB, whose mask of zeros changes nothing. */
function webSocketFrame(opcode: number, payload: Uint8Array): Uint8Array {
  const short = payload.length < 126;
  const head = short
    ? [0x80 | opcode, 0x80 | payload.length]
    : [0x80 | opcode, 0x80 | 126, payload.length >> 8, payload.length & 0xff];
  const frame = new Uint8Array(head.length + 4 + payload.length);
  frame.set(head);
  frame.set(payload, head.length + 4);
  return frame;
}
