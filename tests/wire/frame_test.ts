import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { ErrorCode, SessionError } from "../../lib/wire/errors.ts";
import {
  aFrame,
  decodeFrames,
  FRAME_HEADER_LENGTH,
  FrameFlag,
  frameName,
  FrameType,
  uint32At,
  writeFrameHeader,
  writeUint32,
} from "../../lib/wire/frame.ts";
import { frameOf, joined, type SeenFrame } from "../testing/frame_peer.ts";
import { GOLDEN_FRAMES } from "../testing/golden_frames.ts";

const TYPES: readonly number[] = Object.values(FrameType);

/** Types of frames that concern the whole session. */
const SESSION_TYPES: readonly number[] = [
  FrameType.RegistrationChallenge,
  FrameType.RegistrationRequest,
  FrameType.RegistrationResponse,
  FrameType.Ping,
  FrameType.Pong,
  FrameType.Disconnect,
  FrameType.Notice,
];

Deno.test("writeFrameHeader writes in front of a payload the golden bytes", () => {
  for (const { name, type, flags, stream, payload, bytes } of GOLDEN_FRAMES) {
    assertEquals(frameOf(typeNamed(type), { flags, stream, payload }), bytes, name);
  }
});

Deno.test("decodeFrames reads the golden bytes", () => {
  for (const { name, type, flags, stream, payload, bytes } of GOLDEN_FRAMES) {
    assertEquals(decode(bytes), [{ type: typeNamed(type), flags, stream, payload }], name);
  }
});

Deno.test("the golden frames cover every type and every flag", () => {
  const seen = new Set(GOLDEN_FRAMES.map(({ type }) => type));
  assertEquals(seen, new Set(Object.keys(FrameType)));
  const flags = GOLDEN_FRAMES.reduce((all, frame) => all | frame.flags, 0);
  assertEquals(flags, FrameFlag.EndStream | FrameFlag.Text | FrameFlag.More);
});

Deno.test("decodeFrames reads frames that stand back to back, in order", () => {
  const message = joined(...GOLDEN_FRAMES.map(({ bytes }) => bytes));
  const types = decode(message).map(({ type }) => frameName(type));
  assertEquals(types, GOLDEN_FRAMES.map(({ type }) => type));
});

Deno.test("decodeFrames gives views of the message, not copies", () => {
  const message = frameOf(FrameType.Data, { stream: 1, payload: "abc" });
  const [frame] = decode(message);
  assertStrictEquals(frame?.payload.buffer, message.buffer);
});

Deno.test("decodeFrames refuses every truncation of every golden frame", () => {
  for (const { name, bytes } of GOLDEN_FRAMES) {
    for (let length = 0; length < bytes.length; length++) {
      const error = assertThrows(() => decode(bytes.subarray(0, length)), SessionError);
      assertEquals(error.code, ErrorCode.Protocol, `${name} cut to ${length}`);
    }
  }
});

Deno.test("decodeFrames throws nothing but a SessionError for any byte of any golden frame changed", () => {
  for (const { name, bytes } of GOLDEN_FRAMES) {
    const mutant = bytes.slice();
    for (let at = 0; at < mutant.length; at++) {
      const original = mutant[at] ?? 0;
      for (let value = 0; value < 256; value++) {
        mutant[at] = value;
        try {
          decodeFrames(mutant, () => {});
        } catch (error) {
          assert(error instanceof SessionError, `${name}, byte ${at} = ${value}: ${error}`);
        }
      }
      mutant[at] = original;
    }
  }
});

Deno.test("decodeFrames refuses an empty message", () => {
  refused(new Uint8Array(0), ErrorCode.Protocol);
});

Deno.test("decodeFrames passes over every type that is not in the table, on whatever stream", () => {
  const good = frameOf(FrameType.Data, { stream: 1, payload: "abc" });
  for (let type = 0; type < 256; type++) {
    if (TYPES.includes(type)) continue;
    for (const stream of [0, 1, 0xffff_ffff]) {
      for (const length of [0, 8, 300_000]) {
        const unknown = frameOf(type, { flags: 0xff, stream, payload: bytesOf(length) });
        const seen = decode(joined(unknown, good, unknown));
        assertEquals(seen.map(({ type }) => type), [FrameType.Data]);
      }
    }
  }
});

Deno.test("decodeFrames refuses a frame of an unknown type that its message does not hold whole", () => {
  const unknown = frameOf(0x7f, { payload: bytesOf(8) });
  for (let length = 0; length < unknown.length; length++) refused(unknown.subarray(0, length));
});

Deno.test("decodeFrames drops every flag that its type does not have", () => {
  const allowed = new Map<number, number>([
    [FrameType.HTTPRequest, FrameFlag.EndStream],
    [FrameType.HTTPResponse, FrameFlag.EndStream],
    [FrameType.Data, FrameFlag.EndStream],
    [FrameType.WSResponse, FrameFlag.EndStream],
    [FrameType.WSMessage, FrameFlag.Text | FrameFlag.More],
  ]);
  for (const type of TYPES) {
    for (let flags = 0; flags < 256; flags++) {
      const payload = bytesOf(validLength(type));
      const frame = frameOf(type, { flags, stream: streamFor(type), payload });
      assertEquals(decode(frame).map((frame) => frame.flags), [flags & (allowed.get(type) ?? 0)]);
    }
  }
});

Deno.test("decodeFrames refuses a session's frame on a stream and a stream's frame on stream 0", () => {
  for (const type of TYPES) {
    for (const stream of SESSION_TYPES.includes(type) ? [1, 0xffff_ffff] : [0]) {
      refused(frameOf(type, { stream, payload: bytesOf(validLength(type)) }));
    }
  }
});

Deno.test("decodeFrames knows a length above the limit from the header alone", () => {
  for (const type of TYPES) {
    for (const length of [256 * 1024 + 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
      const header = new Uint8Array(FRAME_HEADER_LENGTH);
      writeFrameHeader(header, 0, type, 0, streamFor(type), length);
      refused(header, ErrorCode.TooLarge);
    }
  }
});

Deno.test("decodeFrames hands over the frames before the one that it refuses", () => {
  const good = frameOf(FrameType.Data, { stream: 1, payload: "abc" });
  const seen: number[] = [];
  assertThrows(
    () => decodeFrames(joined(good, new Uint8Array([FrameType.Data])), (type) => seen.push(type)),
    SessionError,
  );
  assertEquals(seen, [FrameType.Data]);
});

Deno.test("writeUint32 and uint32At keep every bit, the highest too", () => {
  const bytes = new Uint8Array(6);
  for (const value of [0, 1, 0xff, 0x100, 0x7fff_ffff, 0x8000_0000, 0x1234_5678, 0xffff_ffff]) {
    writeUint32(bytes, 1, value);
    assertEquals(new DataView(bytes.buffer).getUint32(1), value);
    assertEquals(uint32At(bytes, 1), value);
  }
});

Deno.test("frameName names known types and shows the number of the others", () => {
  for (const [name, type] of Object.entries(FrameType)) assertEquals(frameName(type), name);
  assertEquals(frameName(0x7f), "frame of type 0x7f");
});

Deno.test("aFrame puts the article that is spoken in front of a name", () => {
  assertEquals(aFrame(FrameType.HTTPRequest), "an HTTPRequest");
  assertEquals(aFrame(FrameType.WSRequest), "a WSRequest");
  assertEquals(aFrame(0x7f), "a frame of type 0x7f");
});

Deno.test("decodeFrames tells what is wrong with an HTTPRequest in plain words", () => {
  const told = (message: Uint8Array<ArrayBuffer>) =>
    assertThrows(() => decode(message), SessionError).message;
  const { HTTPRequest } = FrameType;
  const whole = frameOf(HTTPRequest, { stream: 1, payload: bytesOf(6) });
  assertEquals(told(whole.slice(0, -1)), "malformed frame: an HTTPRequest is cut short");
  assertEquals(
    told(frameOf(HTTPRequest, { stream: 0, payload: bytesOf(6) })),
    "malformed frame: an HTTPRequest on stream 0",
  );
  assertEquals(
    told(frameOf(HTTPRequest, { stream: 1, payload: bytesOf(5) })),
    "malformed frame: an HTTPRequest of 5 bytes",
  );
});

function decode(message: Uint8Array<ArrayBuffer>): SeenFrame[] {
  const frames: SeenFrame[] = [];
  decodeFrames(
    message,
    (type, flags, stream, payload) => frames.push({ type, flags, stream, payload }),
  );
  return frames;
}

function refused(message: Uint8Array<ArrayBuffer>, code: number = ErrorCode.Protocol): void {
  const seen: number[] = [];
  const error = assertThrows(
    () => decodeFrames(message, (type) => seen.push(type)),
    SessionError,
  );
  assertEquals([error.code, seen], [code, []]);
}

function typeNamed(name: string): number {
  const found = Object.entries(FrameType).find(([each]) => each === name);
  if (found === undefined) throw new Error(`no type is called ${name}`);
  return found[1];
}

function streamFor(type: number): number {
  return SESSION_TYPES.includes(type) ? 0 : 1;
}

/** Returns a length that the type allows. */
function validLength(type: number): number {
  if (type === FrameType.Window) return 4;
  return 8;
}

function bytesOf(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).fill(0x20);
}
