import { assert, assertEquals } from "@std/assert";
import { ErrorCode } from "../../lib/wire/errors.ts";
import { FrameFlag, FrameType } from "../../lib/wire/frame.ts";
import { MESSAGE_COST } from "../../lib/wire/limits.ts";
import type { Stream } from "../../lib/mux/stream.ts";
import { joined, openingOf, type SeenFrame, u32 } from "../testing/frame_peer.ts";
import { MemorySocket } from "../testing/memory_socket.ts";
import { SeededRandom } from "../testing/seeded_random.ts";
import { SessionAndPeer, SessionFixture } from "../testing/session_fixture.ts";
import { settled, turn } from "../testing/turn.ts";
import { GET, OK } from "../testing/heads.ts";

const { Data, HTTPRequest, Reset, Window, WSMessage, WSRequest } = FrameType;

Deno.test("many bodies through tiny windows arrive whole, in order and within their credit", async () => {
  const random = new SeededRandom();
  using near = new SessionAndPeer("client");
  const bodies = Array.from({ length: 30 }, () => random.bytes(random.integer(0, 3000)));
  const receivers = bodies.map((_, i) => new TinyReader(near, i + 1, random));
  for (const { stream, credit } of receivers) {
    near.peer.send(HTTPRequest, {
      stream,
      flags: FrameFlag.EndStream,
      payload: openingOf(credit),
    });
  }
  await settled();
  const writing = bodies.map((body, i) => writeInPieces(near.streams[i], body, random));
  while (receivers.some(({ ended }) => !ended)) {
    await turn();
    for (const frame of near.peer.take()) receivers[frame.stream - 1]?.take(frame);
    for (const receiver of receivers) receiver.sometimesGrant();
  }
  await Promise.all(writing);
  for (const [i, body] of bodies.entries()) {
    assertEquals(joined(...(receivers[i]?.pieces ?? [])), body, `stream ${i + 1}`);
  }
  assertEquals(near.session.load, 0);
});

Deno.test("WebSocket messages through tiny windows arrive whole, in order and within their credit", async () => {
  const random = new SeededRandom();
  using near = new SessionAndPeer("client");
  const receivers = Array.from({ length: 8 }, (_, i) => new TinyReader(near, i + 1, random));
  for (const { stream, credit } of receivers) {
    near.peer.send(WSRequest, { stream, payload: openingOf(credit) });
  }
  await settled();
  const sent = receivers.map(() =>
    Array.from({ length: 20 }, () => random.bytes(random.pick([0, 1, 63, 64, 65, 500])))
  );
  const writing = sent.map(async (messages, i) => {
    for (const message of messages) await near.streams[i]?.writeMessage(message, i % 2 === 0);
  });
  while (receivers.some(({ messages }) => messages.length < 20)) {
    await turn();
    for (const frame of near.peer.take()) receivers[frame.stream - 1]?.take(frame);
    for (const receiver of receivers) receiver.sometimesGrant();
  }
  await Promise.all(writing);
  for (const [i, messages] of sent.entries()) assertEquals(receivers[i]?.messages, messages);
});

Deno.test("bodies both ways between two sessions arrive whole, whatever the pace, the socket and the resets", async () => {
  const random = new SeededRandom();
  const [a, b] = MemorySocket.pair();
  using server = new SessionFixture("server", a);
  using client = new SessionFixture("client", b);
  const exchanges = Array.from({ length: 40 }, (_, i) => ({
    upload: random.bytes(random.integer(0, 400_000)),
    download: random.bytes(random.integer(0, 400_000)),
    // Every tenth is given up half way, which must harm no other.
    reset: i % 10 === 9,
  }));
  let running = exchanges.length;
  const all = exchanges.map(async ({ upload, download, reset }, i) => {
    const { stream, response } = server.session.open(HTTPRequest, GET, false);
    const sending = writeInPieces(stream, upload, random);
    while (client.streams[i] === undefined) await turn();
    const accepted = client.streams[i];
    accepted?.respond(OK, false);
    await response;
    const answering = writeInPieces(accepted, download, random);
    if (reset) {
      for (let turns = random.integer(0, 20); turns > 0; turns--) await turn();
      (random.integer(0, 1) === 0 ? stream : accepted)?.reset(ErrorCode.Cancelled, "enough");
      await Promise.allSettled([sending, answering]);
    } else {
      const [down, up] = await Promise.all([
        readSlowly(stream, random),
        readSlowly(accepted, random),
        sending,
        answering,
      ]);
      assert(same(down, download), `the answer of stream ${i + 1}`);
      assert(same(up, upload), `the body of stream ${i + 1}`);
    }
    running--;
  });
  while (running > 0 && server.end === undefined && client.end === undefined) {
    const socket = random.pick([a, b]);
    if (random.integer(0, 3) === 0) socket.hold();
    for (let turns = random.integer(1, 5); turns > 0; turns--) await turn();
    socket.release();
  }
  await Promise.all(all);
  await settled();
  assertEquals([server.end, client.end], [undefined, undefined]);
  assertEquals([server.session.load, client.session.load], [0, 0]);
});

/** A peer's side of one stream: gives little credit, now and then, and checks that no more is spent. */
class TinyReader {
  readonly pieces: Uint8Array[] = [];
  readonly messages: Uint8Array[] = [];
  ended = false;
  credit: number;
  #parts: Uint8Array[] = [];

  constructor(
    readonly near: SessionAndPeer,
    readonly stream: number,
    readonly random: SeededRandom,
  ) {
    this.credit = random.integer(0, 40);
  }

  take({ type, flags, payload }: SeenFrame): void {
    assert(type !== Reset, "nobody resets here");
    this.credit -= payload.length + (type === WSMessage ? MESSAGE_COST : 0);
    assert(this.credit >= 0, `stream ${this.stream} overspent by ${-this.credit}`);
    if (type === Data) {
      this.pieces.push(payload);
      this.ended = (flags & FrameFlag.EndStream) !== 0;
    }
    if (type === WSMessage) {
      this.#parts.push(payload);
      if ((flags & FrameFlag.More) !== 0) return;
      this.messages.push(joined(...this.#parts));
      this.#parts = [];
    }
  }

  sometimesGrant(): void {
    if (this.ended || this.random.integer(0, 2) > 0) return;
    const credit = this.random.integer(1, 200);
    this.credit += credit;
    this.near.peer.send(Window, { stream: this.stream, payload: u32(credit) });
  }
}

async function writeInPieces(
  stream: Stream | undefined,
  body: Uint8Array,
  random: SeededRandom,
): Promise<void> {
  assert(stream !== undefined, "the stream was opened");
  for (let at = 0; at < body.length;) {
    const length = random.pick([1, 10, 1000, 20_000, 200_000]);
    await stream.write(body.subarray(at, at + length));
    at += length;
    if (random.integer(0, 5) === 0) await turn();
  }
  await stream.end();
}

async function readSlowly(stream: Stream | undefined, random: SeededRandom): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (let chunk = await stream?.read(); chunk; chunk = await stream?.read()) {
    // The chunk is the reader's own: it must not change while it is held.
    pieces.push(chunk.bytes);
    for (let turns = random.pick([0, 0, 0, 1, 5]); turns > 0; turns--) await turn();
  }
  return joined(...pieces);
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
