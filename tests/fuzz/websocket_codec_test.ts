import { assert, assertEquals } from "@std/assert";
import { MAX_TRANSPORT_MESSAGE } from "../../lib/wire/limits.ts";
import { CloseCode } from "../../lib/websocket/close_code.ts";
import { FrameDecoder, type FrameSink, WebSocketError } from "../../lib/websocket/decoder.ts";
import { FrameBuffer, MAX_HEADER, Opcode } from "../../lib/websocket/encoder.ts";
import { joined } from "../testing/frame_peer.ts";
import type { SeededRandom } from "../testing/seeded_random.ts";
import { serverFrame, serverHeader } from "../testing/server_frame.ts";
import { fuzz } from "./fuzz.ts";
import { mutated, pieces } from "./mutated.ts";
import { assertSameBytes } from "./same_bytes.ts";

const { Continuation, Text, Binary, Close, Ping, Pong } = Opcode;

fuzz(
  "FrameDecoder reads the same however its bytes arrive, and nothing but a WebSocketError refuses them",
  (random) => {
    const bytes = random.oneIn(3) ? validFrames(random) : mutated(random, validFrames(random));
    const whole = new Reading();
    whole.take([bytes]);
    const parts = new Reading();
    parts.take(pieces(random, bytes));
    assertEquals(parts.end, whole.end);
    assertEquals(parts.seen.length, whole.seen.length);
    for (const [i, { what, payload }] of whole.seen.entries()) {
      assertEquals(parts.seen[i]?.what, what);
      assertSameBytes(parts.seen[i]?.payload ?? new Uint8Array(0), payload, what);
      assert(payload.length <= MAX_TRANSPORT_MESSAGE);
    }
  },
);

fuzz("FrameBuffer writes frames that unmask to what was put in", (random) => {
  const payloads = Array.from(
    { length: random.integer(1, 5) },
    () => random.bytes(random.pick([0, 1, 3, 125, 126, 0xffff, 0x1_0000, random.integer(0, 300)])),
  );
  const room = payloads.reduce((sum, { length }) => sum + length + MAX_HEADER, 0);
  const buffer = new FrameBuffer(room);
  for (const payload of payloads) {
    assert(buffer.fits(payload.length));
    buffer.append(Binary, payload, random.uint32());
  }
  let rest = buffer.bytes.subarray(0, buffer.length);
  for (const payload of payloads) {
    const { content, length } = unmasked(rest);
    assertSameBytes(content, payload);
    rest = rest.subarray(length);
  }
  assertEquals(rest.length, 0);
});

/** Reads frames as a transport does, from pieces of any length. */
class Reading implements FrameSink {
  readonly seen: { readonly what: string; readonly payload: Uint8Array }[] = [];
  end = "";

  onMessage(message: Uint8Array, isText: boolean): void {
    // Not copied: a message must stay as it is.
    this.seen.push({ what: isText ? "text" : "binary", payload: message });
  }

  onPing(payload: Uint8Array): void {
    assert(payload.length <= 125);
    this.seen.push({ what: "ping", payload: payload.slice() });
  }

  onClose(code: number, reason: string): void {
    this.seen.push({ what: `close ${code} ${reason}`, payload: new Uint8Array(0) });
  }

  take(arriving: Iterable<Uint8Array>): void {
    const decoder = new FrameDecoder(this, new Uint8Array(0));
    try {
      for (const piece of arriving) {
        for (let at = 0; at < piece.length;) {
          const room = decoder.room();
          assert(room.length > 0, "there is no room to read to");
          const count = Math.min(room.length, piece.length - at);
          room.set(piece.subarray(at, at + count));
          decoder.received(count);
          at += count;
        }
      }
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      assert(error.code === CloseCode.Protocol || error.code === CloseCode.TooBig);
      this.end = error.message;
    }
  }
}

/** Returns frames that a server may send, and a few that it may not. */
function validFrames(random: SeededRandom): Uint8Array<ArrayBuffer> {
  const frames: Uint8Array[] = [];
  const content = (): Uint8Array =>
    random.bytes(random.pick([0, 1, 125, 126, 1000, 0xffff, 0x1_0000, random.integer(0, 50)]));
  for (let i = random.integer(1, 6); i > 0; i--) {
    const opcode = random.pick([Text, Binary]);
    if (random.oneIn(3)) {
      frames.push(serverFrame(opcode, content(), { fin: false }));
      if (random.oneIn(2)) frames.push(serverFrame(Ping, random.bytes(random.pick([0, 8, 125]))));
      if (random.oneIn(2)) frames.push(serverFrame(Continuation, content(), { fin: false }));
      frames.push(serverFrame(Continuation, content()));
    } else frames.push(serverFrame(opcode, content()));
    if (random.oneIn(8)) frames.push(serverFrame(Pong, random.bytes(random.pick([0, 125]))));
    if (random.oneIn(20)) frames.push(serverHeader(Binary, random.pick([2 ** 20 + 1, 2 ** 40])));
  }
  const close = joined(Uint8Array.of(3, random.pick([0xe8, 0xed, 0xf3])), random.bytes(2));
  if (random.oneIn(4)) frames.push(serverFrame(Close, random.oneIn(2) ? close : close.slice(0, 2)));
  return joined(...frames);
}

/** Reads a client's frame by RFC 6455 section 5.2. */
function unmasked(frame: Uint8Array): { readonly content: Uint8Array; readonly length: number } {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  assertEquals(view.getUint8(0), 0x80 | Binary);
  const short = view.getUint8(1);
  assert(short >= 0x80, "a client's frame is masked");
  const [size, length] = short === 0xff
    ? [10, Number(view.getBigUint64(2))]
    : short === 0xfe
    ? [4, view.getUint16(2)]
    : [2, short - 0x80];
  const mask = frame.subarray(size, size + 4);
  const content = frame.slice(size + 4, size + 4 + length);
  for (let i = 0; i < length; i++) content[i] = (content[i] ?? 0) ^ (mask[i % 4] ?? 0);
  return { content, length: size + 4 + length };
}
