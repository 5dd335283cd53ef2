import { assert, assertEquals, assertThrows } from "@std/assert";
import { FramedSocket, type FramedSocketOptions } from "../../lib/websocket/framed_socket.ts";
import type { ByteStream } from "../../lib/net/byte_stream.ts";
import { bytesOf } from "../../lib/websocket/websocket_transport.ts";
import { eventually } from "../testing/eventually.ts";
import { connectionPair, framedPair } from "../testing/framed_pair.ts";
import { joined } from "../testing/frame_peer.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { serverHeader } from "../testing/server_frame.ts";
import { Opcode, webSocketFrame } from "../testing/websocket_frame.ts";
import { within } from "../testing/within.ts";
import { toBytes, toText } from "../testing/latin1.ts";

const MASKED = { masked: true } as const;

const CLOSE = webSocketFrame(Opcode.Close, toBytes("\x03\xe8"), MASKED);

Deno.test("FramedSocket of a server tells a client that breaks a rule which one it was, and ends", async () => {
  const cases = {
    "a frame without a mask": [1002, webSocketFrame(Opcode.Binary, "x")],
    "a reserved opcode": [1002, webSocketFrame(3, "x", MASKED)],
    "a text that is not UTF-8": [1007, webSocketFrame(Opcode.Text, toBytes("\xe9"), MASKED)],
    "a message that is too long, by its header": [1009, maskedHeader(Opcode.Binary, 101)],
    "fragments that are too long together": [
      1009,
      joined(
        webSocketFrame(Opcode.Binary, "x".repeat(60), { fin: false, masked: true }),
        maskedHeader(Opcode.Continuation, 41),
      ),
    ],
  } as const;
  await Promise.all(
    Object.entries(cases).map(async ([name, [code, bytes]]) => {
      await using scene = await Scene.open({ maxMessage: 100 });
      await scene.peer.send(joined(webSocketFrame(Opcode.Text, "before", MASKED), bytes));
      assertEquals(await scene.peer.readToEnd(), `\x88\x02${closeCode(code)}`, name);
      await eventually("the close", () => scene.closes.length === 1);
      assertEquals([scene.messages, scene.closes], [["before"], [1006]], name);
    }),
  );
});

Deno.test("FramedSocket that refused a peer ends its own side first, and is over when the peer has ended too", async () => {
  const { near, far } = await connectionPair();
  using peer = new RawHTTP(near);
  const socket = new FramedSocket({ role: "server" });
  const isOver = new Promise((resolve) => socket.addEventListener("close", resolve));
  const ended = new Promise<void>((resolve) => {
    const connection: ByteStream = {
      read: (buffer) => far.read(buffer),
      write: (bytes) => far.write(bytes),
      closeWrite() {
        resolve();
        return far.closeWrite();
      },
      close: () => far.close(),
    };
    socket.open(connection, new Uint8Array(0));
  });
  await peer.send(joined(webSocketFrame(3, "x", MASKED), CLOSE));
  await within(ended, "the end of the server's side");
  assertEquals(await peer.readToEnd(), `\x88\x02${closeCode(1002)}`);
  await near.closeWrite();
  await within(isOver, "the end");
});

Deno.test("FramedSocket answers pings in their order", async () => {
  await using scene = await Scene.open();
  const pings = Array.from({ length: 10 }, (_, i) => webSocketFrame(Opcode.Ping, `${i}`, MASKED));
  await scene.peer.send(joined(...pings, CLOSE));
  const pongs = pings.map((_, i) => `\x8a\x01${i}`).join("");
  assertEquals(await scene.peer.readToEnd(), `${pongs}\x88\x02${closeCode(1000)}`);
});

Deno.test("FramedSocket answers the last of the pings that come while much waits to be sent", async () => {
  await using scene = await Scene.open();
  const LONG = 10_000;
  scene.socket.addEventListener("message", () => scene.socket.send(new Uint8Array(LONG)));
  const pings = Array.from({ length: 10 }, (_, i) => webSocketFrame(Opcode.Ping, `${i}`, MASKED));
  await scene.peer.send(joined(webSocketFrame(Opcode.Text, "send", MASKED), ...pings));
  const pong = "\x8a\x019";
  let received = "";
  while (!received.endsWith(pong)) received += await scene.peer.readNext() ?? "";
  assertEquals(received.length, "\x82\x7e..".length + LONG + pong.length);
});

Deno.test("FramedSocket writes all messages of a task at once", async () => {
  await using scene = await Scene.open();
  for (let i = 0; i < 1_000; i++) scene.socket.send(`${i % 10}`);
  const first = await scene.peer.readNext();
  assert(first !== null && first.length >= 3_000, `${first?.length} bytes came first`);
});

Deno.test("FramedSocket answers a close frame with its code, behind what was sent, and is over then", async () => {
  await using scene = await Scene.open();
  scene.socket.send("last");
  await scene.peer.send(webSocketFrame(Opcode.Close, toBytes("\x03\xe9bye"), MASKED));
  assertEquals(await scene.peer.readToEnd(), "\x81\x04last\x88\x05\x03\xe9bye");
  await eventually("the close", () => scene.closes.length === 1);
  assertEquals(scene.closes, [1001]);
});

Deno.test("FramedSocket ends with 1006 when its connection does, and when it is terminated, once", async () => {
  await using cut = await Scene.open();
  cut.peer.close();
  await eventually("the close", () => cut.closes.length === 1);
  await using scene = await Scene.open();
  scene.socket.terminate();
  scene.socket.terminate();
  assertEquals(await scene.peer.readToEnd(), "");
  assertEquals([cut.closes, scene.closes], [[1006], [1006]]);
});

Deno.test("FramedSocket that was terminated before it opened closes the connection that it gets", async () => {
  const { near, far } = await connectionPair();
  using peer = new RawHTTP(near);
  const socket = new FramedSocket({ role: "server" });
  const closes: number[] = [];
  socket.addEventListener("close", ({ code }) => closes.push(code));
  socket.terminate();
  socket.open(far, new Uint8Array(0));
  assertEquals(await peer.readToEnd(), "");
  assertEquals(closes, [1006]);
});

Deno.test("FramedSocket gives back the memory of a message that had not ended, as soon as its connection has", async () => {
  const { near, far } = await connectionPair();
  using peer = new RawHTTP(near);
  const socket = new FramedSocket({ role: "server" });
  const LENGTH = 100_000;
  const message = new Promise<Uint8Array>((resolve) => {
    const connection: ByteStream = {
      read(into) {
        // A long message is read to where it is put together.
        if (into.buffer.byteLength >= LENGTH) resolve(into);
        return far.read(into);
      },
      write: (bytes) => far.write(bytes),
      closeWrite: () => far.closeWrite(),
      close: () => far.close(),
    };
    socket.open(connection, new Uint8Array(0));
  });
  await peer.send(joined(maskedHeader(Opcode.Binary, LENGTH), new Uint8Array(1_000)));
  const { buffer } = await within(message, "a read into the message");
  socket.terminate();
  assertEquals(buffer.byteLength, 0);
});

Deno.test("FramedSocket that is paused leaves what comes in the connection, and goes on where it stopped", async () => {
  await using pair = await framedPair();
  let bytes = 0;
  let isHeld = true;
  pair.far.addEventListener("message", ({ data }) => {
    bytes += data instanceof Uint8Array ? data.length : 0;
    if (isHeld) pair.far.pause();
  });
  const MESSAGES = 400;
  for (let i = 0; i < MESSAGES; i++) pair.near.send(new Uint8Array(65_536));
  await eventually("the first message", () => bytes > 0);
  // The sender's bytes stop leaving: what the systems' buffers do not take waits there.
  let before = -1;
  await eventually("the sender to be held back", () => {
    const isFull = pair.near.bufferedAmount === before;
    before = pair.near.bufferedAmount;
    return isFull && before > 0;
  });
  assert(bytes < MESSAGES * 65_536);
  isHeld = false;
  pair.far.resume();
  await eventually("the rest", () => bytes === MESSAGES * 65_536);
});

Deno.test("FramedSocket takes and gives texts as octets, and sends none that are not UTF-8", async () => {
  await using scene = await Scene.open();
  // A fragment may cut a character in two.
  await scene.peer.send(
    joined(
      webSocketFrame(Opcode.Text, toBytes("a\xc3"), { fin: false, masked: true }),
      webSocketFrame(Opcode.Continuation, toBytes("\xa9"), MASKED),
    ),
  );
  await eventually("a text", () => scene.messages.length === 1);
  assertEquals(scene.messages, ["a\xc3\xa9"]);
  assertThrows(() => scene.socket.sendText(toBytes("\xc3")), TypeError);
  scene.socket.sendText(toBytes("\xc3\xa9"));
  assertEquals(await scene.peer.readNext(), "\x81\x02\xc3\xa9");
});

Deno.test("FramedSocket.end loses nothing that was sent, sends no close frame and reads what still comes", async () => {
  await using pair = await framedPair();
  let received = 0;
  pair.far.addEventListener("message", () => received++);
  const closed = new Promise<number>((resolve) =>
    pair.far.addEventListener("close", ({ code }) => resolve(code))
  );
  // To close a connection with bytes that were not read would reset it.
  pair.near.pause();
  pair.far.send(new Uint8Array(300_000));
  for (let i = 0; i < 50; i++) pair.near.send(new Uint8Array(60_000));
  pair.near.end();
  pair.near.send(new Uint8Array(1));
  assertEquals([await within(closed, "the end"), received], [1006, 50]);
});

Deno.test("FramedSocket asks a silent peer for a sign of life, and gives up one that gives none", async () => {
  await using scene = await Scene.open({ idleTimeout: 1_000 });
  scene.socket.look(0);
  scene.socket.look(499);
  scene.socket.look(500);
  scene.socket.look(900);
  assertEquals(await scene.peer.readNext(), "\x89\x00");
  await scene.peer.send(
    joined(webSocketFrame(Opcode.Pong, "", MASKED), webSocketFrame(Opcode.Text, "x", MASKED)),
  );
  await eventually("the pong", () => scene.messages.length === 1);
  scene.socket.look(1_001);
  scene.socket.look(2_001);
  assertEquals([scene.closes, await scene.peer.readNext()], [[], "\x89\x00"]);
  scene.socket.look(2_002);
  assertEquals([scene.closes, await scene.peer.readToEnd()], [[1006], ""]);
});

Deno.test("FramedSocket gives up a peer that takes nothing of what waits for it", async () => {
  await using pair = await framedPair({ stallTimeout: 1_000 });
  const closed = new Promise<number>((resolve) =>
    pair.far.addEventListener("close", ({ code }) => resolve(code))
  );
  pair.near.pause();
  for (let i = 0; i < 200; i++) pair.far.send(new Uint8Array(65_536));
  let before = -1;
  await eventually("the connection to be full", () => {
    const isFull = pair.far.bufferedAmount === before;
    before = pair.far.bufferedAmount;
    return isFull && before > 0;
  });
  for (const time of [0, 500, 1_000]) pair.far.look(time);
  assert(pair.far.bufferedAmount > 0);
  pair.far.look(1_001);
  pair.far.look(2_002);
  assertEquals(await within(closed, "the end"), 1006);
});

/** A socket of a server, and a client that writes what a test wants. */
class Scene implements AsyncDisposable {
  readonly messages: unknown[] = [];
  readonly closes: number[] = [];

  private constructor(readonly socket: FramedSocket, readonly peer: RawHTTP) {
    socket.addEventListener("message", ({ data, isText }) => {
      this.messages.push(isText ? toText(bytesOf(data)) : data);
    });
    socket.addEventListener("close", ({ code }) => this.closes.push(code));
  }

  static async open(options: Omit<FramedSocketOptions, "role"> = {}): Promise<Scene> {
    const { near, far } = await connectionPair();
    const socket = new FramedSocket({ ...options, role: "server" });
    socket.open(far, new Uint8Array(0));
    return new Scene(socket, new RawHTTP(near));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate();
    this.peer.close();
    return Promise.resolve();
  }
}

/** Writes the header of a client's last fragment, with a mask of zeros. */
function maskedHeader(opcode: number, length: number): Uint8Array {
  const header = serverHeader(opcode, length);
  header[1] = (header[1] ?? 0) | 0x80;
  return joined(header, new Uint8Array(4));
}

function closeCode(code: number): string {
  return String.fromCharCode(code >>> 8, code & 0xff);
}
