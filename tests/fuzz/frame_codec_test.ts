import { assert, assertEquals } from "@std/assert";
import { ErrorCode, SessionError } from "../../lib/wire/errors.ts";
import {
  decodeDisconnect,
  decodeReset,
  encodeDisconnect,
  encodeReset,
} from "../../lib/wire/reasons.ts";
import {
  decodeFrames,
  FRAME_HEADER_LENGTH,
  FrameFlag,
  FrameType,
  uint32At,
} from "../../lib/wire/frame.ts";
import { MAX_REASON_LENGTH } from "../../lib/wire/limits.ts";
import { frameOf, joined, type SeenFrame } from "../testing/frame_peer.ts";
import { GOLDEN_FRAMES } from "../testing/golden_frames.ts";
import type { SeededRandom } from "../testing/seeded_random.ts";
import { fuzz } from "./fuzz.ts";
import { mutated } from "./mutated.ts";
import { assertSameBytes } from "./same_bytes.ts";

fuzz(
  "decodeFrames refuses rubbish with a SessionError, and what it takes is what was written",
  (random) => {
    const message = randomMessage(random);
    const before = message.slice();
    const { frames, error } = decoded(message);
    assertSameBytes(message, before, "the message was changed");
    const { written, taken } = knownFrames(message, frames.length, error === null);
    assertSameBytes(joined(...frames.map((frame) => encode(frame))), written);
    if (error === null) assertEquals(taken, message.length);
    else assert(error.code === ErrorCode.Protocol || error.code === ErrorCode.TooLarge);
  },
);

fuzz("decodeFrames gives back every frame that was written, in order", (random) => {
  const frames: SeenFrame[] = [];
  for (let i = random.integer(1, 20); i > 0; i--) {
    const { type, flags, stream, payload } = golden(random);
    const frame = decoded(frameOf(typeOf(type), { flags, stream, payload })).frames[0];
    assert(frame !== undefined);
    const id = stream === 0 ? 0 : random.integer(1, 0xffff_ffff);
    const content = stream === 0 || payload.length < 100 ? payload : random.bytes(payload.length);
    frames.push({ ...frame, stream: id, payload: content });
  }
  const { frames: seen, error } = decoded(joined(...frames.map((frame) => encode(frame))));
  assertEquals(error, null);
  assertEquals(seen.length, frames.length);
  for (const [i, frame] of frames.entries()) {
    const back = seen[i];
    assert(back !== undefined && back.type === frame.type && back.flags === frame.flags);
    assertEquals(back.stream, frame.stream);
    assertSameBytes(back.payload, frame.payload);
  }
});

fuzz("reasons of any length and any characters keep to their limit and come back", (random) => {
  const reason = randomText(random);
  const code = random.integer(0, 0xffff);
  const kind = random.pick(["close", "drain", "goaway"] as const);
  const reset = encodeReset(code, reason);
  const disconnect = encodeDisconnect({ code, kind, reason });
  assert(reset.length <= 2 + MAX_REASON_LENGTH && disconnect.length <= 3 + MAX_REASON_LENGTH);
  const back = decodeReset(reset);
  assertEquals(back.code, code);
  assert(reason.toWellFormed().startsWith(back.reason));
  assertEquals(decodeDisconnect(disconnect), { code, kind, reason: back.reason });
  // A peer's bytes need not be UTF-8.
  decodeReset(joined(random.bytes(2), random.bytes(random.integer(0, MAX_REASON_LENGTH))));
});

/** Returns golden frames back to back, changed or not, or bytes that are nothing. */
function randomMessage(random: SeededRandom): Uint8Array<ArrayBuffer> {
  if (random.oneIn(10)) return random.bytes(random.integer(0, 200));
  const frames = Array.from({ length: random.integer(1, 6) }, () => golden(random).bytes);
  return random.oneIn(10) ? joined(...frames) : mutated(random, joined(...frames));
}

/**
 * Returns the first `count` frames of known types that a message holds, or all of them, without the flags that their
 * types do not have, and how many bytes of the message were passed.
 */
function knownFrames(message: Uint8Array, count: number, isAll: boolean) {
  const written: Uint8Array[] = [];
  let at = 0;
  while (isAll ? at < message.length : written.length < count) {
    const end = at + FRAME_HEADER_LENGTH + uint32At(message, at + 6);
    const frame = message.slice(at, end);
    const [type = 0, flags = 0] = frame;
    frame[1] = flags & (FLAGS.get(type) ?? 0);
    if (TYPES.has(type)) written.push(frame);
    at = end;
  }
  return { written: joined(...written), taken: at };
}

const TYPES: ReadonlySet<number> = new Set(Object.values(FrameType));

const { EndStream, More, Text } = FrameFlag;

const FLAGS: ReadonlyMap<number, number> = new Map([
  [FrameType.HTTPRequest, EndStream],
  [FrameType.HTTPResponse, EndStream],
  [FrameType.Data, EndStream],
  [FrameType.WSResponse, EndStream],
  [FrameType.WSMessage, Text | More],
]);

function golden(random: SeededRandom) {
  const frame = GOLDEN_FRAMES[random.integer(0, GOLDEN_FRAMES.length - 1)];
  if (frame === undefined) throw new Error("there are no golden frames");
  return frame;
}

function typeOf(name: string): number {
  const frame = GOLDEN_FRAMES.find(({ type }) => type === name);
  return frame?.bytes[0] ?? 0;
}

function encode({ type, flags, stream, payload }: SeenFrame): Uint8Array<ArrayBuffer> {
  return frameOf(type, { flags, stream, payload });
}

function decoded(
  message: Uint8Array<ArrayBuffer>,
): { readonly frames: SeenFrame[]; readonly error: SessionError | null } {
  const frames: SeenFrame[] = [];
  try {
    decodeFrames(message, (type, flags, stream, payload) => {
      frames.push({ type, flags, stream, payload });
    });
    return { frames, error: null };
  } catch (error) {
    if (!(error instanceof SessionError)) throw error;
    return { frames, error };
  }
}

function randomText(random: SeededRandom): string {
  const alphabet = ["a", "é", "€", "🦀", "\ud800", "\0", "\n"] as const;
  return Array.from({ length: random.pick([0, 1, 10, 400, 1200]) }, () => random.pick(alphabet))
    .join("");
}
