import { assert, assertEquals, assertFalse, assertMatch } from "@std/assert";
import { Opcode } from "../../lib/websocket/encoder.ts";
import { SOCKET_HIGH_WATER } from "../../lib/wire/limits.ts";
import { joined } from "../testing/frame_peer.ts";
import { SeededRandom } from "../testing/seeded_random.ts";
import { serverFrame } from "../testing/server_frame.ts";
import { turn } from "../testing/turn.ts";
import { within } from "../testing/within.ts";
import { EchoServer, endOf, HeldStream, Link } from "./transport_ends.ts";

const NONE = new Uint8Array(0);
const { Binary, Text, Close, Ping, Pong } = Opcode;

Deno.test("dialledTransport speaks with Deno.serve, either way, with messages of all sizes", async () => {
  await using server = await EchoServer.start();
  const listener = await server.dial();
  const random = new SeededRandom();
  const sent = [1, 125, 126, 65_535, 65_536, 300_000, 1_048_576].map((size) => random.bytes(size));
  for (const message of sent) listener.transport.send(message.slice());
  await listener.count(sent.length);
  sent.forEach((message, i) => assert(same(message, listener.messages[i] ?? NONE), `message ${i}`));
  assertEquals(listener.sent, sent.reduce((sum, { length }) => sum + length, 0));
  listener.transport.close("done");
  assertEquals(listener.closes, ["done"]);
  assertEquals(await server.closed(), { code: 1000, reason: "", wasClean: true });
});

Deno.test("dialledTransport tells the close reason of its peer, or how the connection ended", async () => {
  for (
    const [end, expected] of [
      [(socket: WebSocket) => socket.close(1000, "bye"), /^bye$/],
      [(socket: WebSocket) => socket.close(3001), /3001/],
    ] as const
  ) {
    await using server = await EchoServer.start();
    const listener = await server.dial();
    end(await server.accepted);
    await listener.closed;
    assertMatch(listener.closes.join(), expected);
    assert((await server.closed()).wasClean);
  }
  await using link = await Link.open();
  link.far.close();
  await link.near.closed;
  assertEquals(link.near.closes, ["the connection was cut"]);
});

Deno.test("dialledTransport lets its bytes be changed once sent, and sends all in order before the close frame", async () => {
  await using link = await Link.open();
  const buffer = new Uint8Array(100_000);
  for (let round = 0; round < 40; round++) {
    buffer.fill(round);
    link.near.transport.send(buffer);
  }
  link.near.transport.close("enough");
  link.near.transport.send(buffer);
  link.near.transport.close("again");
  assertEquals([link.near.closes, link.near.transport.buffered], [["enough"], 0]);
  const bytes = await link.received((frames) => frames.at(-1)?.[0] === Close);
  assertEquals(bytes.pop(), [Close, [3, 0xe8]]);
  assertEquals(bytes.length, 40);
  bytes.forEach(([opcode, payload], round) => {
    assertEquals([opcode, payload.length], [Binary, 100_000]);
    assert(payload.every((byte) => byte === round), `message ${round} was changed`);
  });
  await link.send(serverFrame(Close, Uint8Array.of(3, 0xe8)));
  assertEquals(await link.far.read(new Uint8Array(1)), null);
});

Deno.test("dialledTransport delivers nothing before its listener is ready, and what came with the handshake first", async () => {
  const stream = new HeldStream();
  const listener = endOf(stream, serverFrame(Binary, Uint8Array.of(1)));
  assertEquals(listener.messages, []);
  await turn();
  stream.deliver(serverFrame(Binary, Uint8Array.of(2)));
  await listener.count(2);
  assertEquals(listener.messages.map((message) => [...message]), [[1], [2]]);
  stream.close();
  await listener.closed;
});

Deno.test("dialledTransport delivers a text message as an empty one, which nobody may send", async () => {
  await using link = await Link.open();
  await link.send(serverFrame(Text, Uint8Array.of(65)));
  await link.near.count(1);
  assertEquals(link.near.messages, [NONE]);
});

Deno.test("dialledTransport answers pings, and of a thousand at once some and the last", async () => {
  await using link = await Link.open();
  const pings = Array.from(
    { length: 1_000 },
    (_, i) => serverFrame(Ping, Uint8Array.of(i >> 8, i)),
  );
  await link.send(joined(...pings));
  const frames = await link.received((all) => all.at(-1)?.[1].join() === "3,231");
  assert(frames.every(([opcode]) => opcode === Pong));
  assert(frames.length < 600, `${frames.length} pongs`);
});

Deno.test("dialledTransport ends a connection whose server breaks RFC 6455, and tells both why", async () => {
  await using link = await Link.open();
  await link.send(joined(serverFrame(Binary, Uint8Array.of(1)), Uint8Array.of(0xf2, 0)));
  await link.near.closed;
  assertEquals(link.near.messages.length, 1);
  assertMatch(link.near.closes.join(), /reserved bits/);
  assertEquals(await link.received((frames) => frames.length === 1), [[Close, [3, 0xea]]]);
  // What follows is not looked at, but read, so that the close frame arrives.
  await link.send(new Uint8Array(500_000));
  link.far.close();
});

Deno.test("dialledTransport answers the server's close frame with its code, behind what was sent", async () => {
  await using link = await Link.open();
  link.near.transport.send(Uint8Array.of(5));
  await link.send(serverFrame(Close, Uint8Array.of(3, 0xe9)));
  assertEquals(await link.received((frames) => frames.length === 2), [
    [Binary, [5]],
    [Close, [3, 0xe9]],
  ]);
  assertEquals(await link.far.read(new Uint8Array(1)), null);
  assertMatch(link.near.closes.join(), /1001/);
});

Deno.test("the transport's left waits for all that was sent, and for the peer's close frame", async () => {
  const stream = new HeldStream();
  const listener = endOf(stream);
  let hasLeft = false;
  const left = listener.transport.left.then(() => hasLeft = true);
  listener.transport.send(new Uint8Array(10));
  listener.transport.close("done");
  await turn();
  assertEquals([listener.closes, hasLeft], [["done"], false]);
  // A message and a close frame, each with its header and mask.
  stream.take(2 + 4 + 10);
  await turn();
  stream.take(2 + 4 + 2);
  await turn();
  assertFalse(hasLeft);
  stream.deliver(serverFrame(Close, Uint8Array.of(3, 0xe8)));
  await within(left, "the end of the connection");
  assert(stream.isClosed);
});

Deno.test("dialledTransport is writable up to 1 MiB of unsent bytes and tells when it is again, once", async () => {
  const stream = new HeldStream();
  const listener = endOf(stream);
  listener.transport.notifyDrain();
  await turn();
  assertEquals(listener.drains, 1);
  const message = new Uint8Array(SOCKET_HIGH_WATER / 4 - 14);
  for (let i = 0; i < 3; i++) listener.transport.send(message);
  assert(listener.transport.writable);
  listener.transport.send(new Uint8Array(SOCKET_HIGH_WATER / 4));
  assertEquals(listener.transport.buffered, SOCKET_HIGH_WATER + 14);
  assertFalse(listener.transport.writable);
  listener.transport.notifyDrain();
  listener.transport.notifyDrain();
  await turn();
  assertEquals(listener.drains, 1);
  stream.take(14);
  await turn();
  assertEquals(listener.drains, 1, "a full MiB is not below it");
  stream.take(1);
  await turn();
  assertEquals([listener.drains, stream.mostWrites], [2, 1]);
  stream.take(100_000);
  await turn();
  assertEquals(listener.drains, 2);
  listener.transport.close("done");
  stream.close();
  await listener.closed;
});

Deno.test("dialledTransport closes at once though its peer never reads, and its connection soon after", async () => {
  await using link = await Link.open();
  for (let i = 0; i < 12; i++) link.near.transport.send(new Uint8Array(1_000_000));
  await turn();
  assertFalse(link.near.transport.writable);
  link.near.transport.close("enough");
  assertEquals(link.near.closes, ["enough"]);
  await within(link.nearGone, "the end of the connection");
});

Deno.test("dialledTransport closes its connection when the server does not answer its close frame", async () => {
  await using link = await Link.open();
  link.near.transport.close("enough");
  await link.received((frames) => frames.length === 1);
  await within(link.nearGone, "the end of the connection");
  assertEquals(link.near.closes, ["enough"]);
});

Deno.test("dialledTransport delivers what the server said before it left, though writing fails", async () => {
  const stream = new HeldStream();
  const listener = endOf(stream);
  listener.transport.send(Uint8Array.of(1));
  await turn();
  stream.fail();
  await turn();
  listener.transport.send(Uint8Array.of(2));
  stream.deliver(serverFrame(Binary, Uint8Array.of(7)));
  await listener.count(1);
  stream.deliver(serverFrame(Close, Uint8Array.of(3, 0xe9)));
  await listener.closed;
  assertMatch(listener.closes.join(), /1001/);
  assert(stream.isClosed);
});

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
