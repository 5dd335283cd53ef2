import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding/hex";
import { CloseCode } from "../../lib/websocket/close_code.ts";
import { FrameDecoder, type FrameSink, WebSocketError } from "../../lib/websocket/decoder.ts";
import { Opcode } from "../../lib/websocket/encoder.ts";
import { MAX_TRANSPORT_MESSAGE } from "../../lib/wire/limits.ts";
import { joined } from "../testing/frame_peer.ts";
import { SeededRandom } from "../testing/seeded_random.ts";
import { serverFrame, serverHeader } from "../testing/server_frame.ts";

const { Continuation, Text, Binary, Close, Ping, Pong } = Opcode;
const NONE = new Uint8Array(0);

Deno.test("FrameDecoder reads the unmasked frames of RFC 6455 section 5.7, in one piece and byte by byte", () => {
  const hello = "48656c6c6f";
  for (
    const [hex, expected] of [
      [`8105${hello}`, `text ${hello}`],
      ["010348656c" + "80026c6f", `text ${hello}`],
      [`8905${hello}`, `ping ${hello}`],
      [`827e0100${"ab".repeat(256)}`, `binary ${"ab".repeat(256)}`],
      [`827f0000000000010000${"cd".repeat(65_536)}`, `binary ${"cd".repeat(65_536)}`],
    ] as const
  ) {
    assertEquals(decoded(decodeHex(hex)), [expected]);
    assertEquals(decoded(decodeHex(hex), () => 1), [expected]);
  }
});

Deno.test("FrameDecoder takes several messages at once, with control frames between and inside", () => {
  const bytes = joined(
    serverFrame(Binary, Uint8Array.of(1)),
    serverFrame(Binary, NONE),
    serverFrame(Ping, NONE),
    serverFrame(Pong, Uint8Array.of(9)),
    serverFrame(Binary, Uint8Array.of(2), { fin: false }),
    serverFrame(Ping, Uint8Array.of(7)),
    serverFrame(Continuation, NONE, { fin: false }),
    serverFrame(Continuation, Uint8Array.of(3), { fin: false }),
    serverFrame(Continuation, NONE),
    serverFrame(Binary, Uint8Array.of(4)),
    serverFrame(Close, joined(Uint8Array.of(3, 0xe9), new TextEncoder().encode("bye é"))),
  );
  const expected = [
    ...["binary 01", "binary ", "ping ", "ping 07", "binary 0203", "binary 04"],
    "close 1001 bye é",
  ];
  assertEquals(decoded(bytes), expected);
  assertEquals(decoded(bytes, () => 1), expected);
});

Deno.test("FrameDecoder takes lengths that are not in their shortest form", () => {
  assertEquals(decoded(decodeHex("827e000141" + "827f000000000000000142")), [
    "binary 41",
    "binary 42",
  ]);
});

Deno.test("FrameDecoder takes a close frame without a code as 1005", () => {
  assertEquals(decoded(decodeHex("8800")), ["close 1005 "]);
});

Deno.test("FrameDecoder refuses every frame that a server may not send", async (t) => {
  const big = MAX_TRANSPORT_MESSAGE;
  const close = (code: number) => serverFrame(Close, Uint8Array.of(code >>> 8, code & 0xff));
  const illegal: Record<string, readonly [code: number, bytes: Uint8Array]> = {
    "a masked frame": [CloseCode.Protocol, decodeHex("828101020304")],
    "a masked ping": [CloseCode.Protocol, decodeHex("8980")],
    "a fragmented ping": [CloseCode.Protocol, decodeHex("0900")],
    "a fragmented close": [CloseCode.Protocol, decodeHex("0800")],
    "a ping of 126 bytes": [CloseCode.Protocol, serverHeader(Ping, 126)],
    "a close of 64 KiB": [CloseCode.Protocol, serverHeader(Close, 65_536)],
    "a continuation without a message": [CloseCode.Protocol, decodeHex("8000")],
    "a message inside another": [CloseCode.Protocol, decodeHex("020141" + "820142")],
    "a continuation behind the last": [CloseCode.Protocol, decodeHex("0200" + "8000" + "8000")],
    "a close frame of one byte": [CloseCode.Protocol, decodeHex("880103")],
    "a close reason that is not UTF-8": [CloseCode.Protocol, decodeHex("880403e8c328")],
    "a message of a byte too many": [CloseCode.TooBig, serverHeader(Binary, big + 1)],
    "a text of a byte too many": [CloseCode.TooBig, serverHeader(Text, big + 1)],
    "a message of 4 GiB": [CloseCode.TooBig, serverHeader(Binary, 2 ** 32)],
    "a message of 2^64 - 1": [CloseCode.TooBig, decodeHex(`827f${"ff".repeat(8)}`)],
    "fragments that are too long together": [
      CloseCode.TooBig,
      joined(
        serverFrame(Binary, new Uint8Array(big - 1), { fin: false }),
        serverHeader(Continuation, 2),
      ),
    ],
  };
  for (const bit of [0x40, 0x20, 0x10]) {
    illegal[`reserved bit ${bit}`] = [CloseCode.Protocol, Uint8Array.of(0x82 | bit, 0)];
    illegal[`reserved bit ${bit} of a ping`] = [CloseCode.Protocol, Uint8Array.of(0x89 | bit, 0)];
  }
  for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
    illegal[`opcode ${opcode}`] = [CloseCode.Protocol, Uint8Array.of(0x80 | opcode, 0)];
  }
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535]) {
    illegal[`close code ${code}`] = [CloseCode.Protocol, close(code)];
  }
  for (const [name, [code, bytes]] of Object.entries(illegal)) {
    await t.step(name, () => {
      for (const size of [Infinity, 1]) {
        const error = assertThrows(() => decoded(bytes, () => size), WebSocketError);
        assertEquals(error.code, code, error.message);
      }
    });
  }
});

Deno.test("FrameDecoder takes a message of the greatest length, in one frame or in many", () => {
  const payload = new SeededRandom().bytes(MAX_TRANSPORT_MESSAGE);
  const pieces = Array.from({ length: 64 }, (_, i) => {
    const piece = payload.subarray(i * 16_384, (i + 1) * 16_384);
    return serverFrame(i === 0 ? Binary : Continuation, piece, { fin: i === 63 });
  });
  for (const bytes of [serverFrame(Binary, payload), joined(...pieces)]) {
    const log = new Log();
    decode(new FrameDecoder(log, NONE), bytes);
    assertEquals(log.messages.length, 1);
    assert(same(log.messages[0] ?? NONE, payload));
  }
});

Deno.test("FrameDecoder's messages stay as they are while it goes on reading", () => {
  const random = new SeededRandom();
  const sent = Array.from({ length: 40 }, (_, i) => random.bytes(i % 4 === 0 ? 90_000 : 700));
  const log = new Log();
  decode(
    new FrameDecoder(log, NONE),
    joined(...sent.map((payload) => serverFrame(Binary, payload))),
  );
  assert(sent.every((payload, i) => same(log.messages[i] ?? NONE, payload)));
});

Deno.test("FrameDecoder begins with the bytes that came with the handshake", () => {
  const log = new Log();
  const decoder = new FrameDecoder(
    log,
    joined(serverFrame(Binary, Uint8Array.of(1)), Uint8Array.of(0x82)),
  );
  decoder.received(0);
  assertEquals(log.entries, ["binary 01"]);
  decode(decoder, Uint8Array.of(1, 2));
  assertEquals(log.entries, ["binary 01", "binary 02"]);
});

Deno.test("FrameDecoder finds random messages, cut and read at random", () => {
  const random = new SeededRandom();
  for (let round = 0; round < 40; round++) {
    const expected: string[] = [];
    const frames: Uint8Array[] = [];
    for (let i = 0; i < 12; i++) {
      const payload = random.bytes(random.pick([0, 1, 125, 126, 1_000, 20_000, 70_000]));
      const isText = random.integer(0, 5) === 0;
      const cuts = random.integer(0, 4);
      let at = 0;
      for (let piece = 0; piece <= cuts; piece++) {
        const end = piece === cuts ? payload.length : random.integer(at, payload.length);
        const opcode = piece > 0 ? Continuation : isText ? Text : Binary;
        frames.push(serverFrame(opcode, payload.subarray(at, end), { fin: piece === cuts }));
        at = end;
        if (piece === cuts || random.integer(0, 3) > 0) continue;
        const ping = random.bytes(random.integer(0, 125));
        frames.push(serverFrame(Ping, ping));
        expected.push(`ping ${encodeHex(ping)}`);
      }
      expected.push(`${isText ? "text" : "binary"} ${encodeHex(payload)}`);
    }
    const greatest = random.pick([3, 200, 5_000, 100_000]);
    assertEquals(decoded(joined(...frames), () => random.integer(1, greatest)), expected);
  }
});

Deno.test("FrameDecoder takes random bytes or refuses them as a WebSocketError, and nothing else", () => {
  const random = new SeededRandom();
  for (let round = 0; round < 3_000; round++) {
    const bytes = random.bytes(random.integer(2, 200));
    // The beginning of most is made legal, or all would end at the first byte.
    if (random.integer(0, 3) > 0) {
      bytes.set([random.pick([0x82, 0x02, 0x89, 0x88]), random.integer(0, 127)]);
    }
    try {
      decoded(bytes, () => random.integer(1, 50));
    } catch (error) {
      assertInstanceOf(error, WebSocketError);
    }
  }
});

Deno.test("FrameDecoder for a server finds masked messages, cut and read at random, of any length", () => {
  const random = new SeededRandom();
  for (let round = 0; round < 40; round++) {
    const expected: string[] = [];
    const frames: Uint8Array[] = [];
    for (let i = 0; i < 12; i++) {
      const payload = random.bytes(random.pick([0, 1, 125, 126, 1_000, 20_000, 70_000]));
      const cuts = random.integer(0, 4);
      let at = 0;
      for (let piece = 0; piece <= cuts; piece++) {
        const end = piece === cuts ? payload.length : random.integer(at, payload.length);
        const opcode = piece > 0 ? Continuation : Binary;
        frames.push(
          clientFrame(random, opcode, payload.subarray(at, end), { fin: piece === cuts }),
        );
        at = end;
        if (piece === cuts || random.integer(0, 3) > 0) continue;
        const ping = random.bytes(random.integer(0, 125));
        frames.push(clientFrame(random, Ping, ping));
        expected.push(`ping ${encodeHex(ping)}`);
      }
      expected.push(`binary ${encodeHex(payload)}`);
    }
    frames.push(clientFrame(random, Close, Uint8Array.of(3, 0xe8, 0x62)));
    expected.push("close 1000 b");
    const greatest = random.pick([3, 200, 5_000, 100_000]);
    const log = new Log();
    const decoder = new FrameDecoder(log, NONE, { role: "server" });
    decode(decoder, joined(...frames), () => random.integer(1, greatest));
    assertEquals(log.entries, expected);
  }
});

Deno.test("FrameDecoder for a server refuses a frame without a mask, and a message by its first header", () => {
  const codeOf = (bytes: Uint8Array, maxMessage?: number): number => {
    const options = maxMessage === undefined ? {} : { maxMessage };
    const decoder = new FrameDecoder(new Log(), NONE, { role: "server", ...options });
    return assertThrows(() => decode(decoder, bytes), WebSocketError).code;
  };
  for (const opcode of [Binary, Text, Ping, Close]) {
    assertEquals(codeOf(serverFrame(opcode, NONE)), CloseCode.Protocol);
  }
  // 126 says that two bytes of length follow, and the mask behind them.
  const header = (length: number) => Uint8Array.of(0x82, 0xfe, length >>> 8, length, 0, 0, 0, 0);
  assertEquals(codeOf(header(16_385), 16_384), CloseCode.TooBig);
  const decoder = new FrameDecoder(new Log(), NONE, { role: "server", maxMessage: 16_384 });
  decode(decoder, header(16_384));
});

Deno.test("FrameDecoder for a server takes a message of many megabytes in the memory that has come", () => {
  const random = new SeededRandom();
  const payload = random.bytes(5 * MAX_TRANSPORT_MESSAGE + 3);
  const log = new Log();
  const options = { role: "server", maxMessage: payload.length } as const;
  decode(new FrameDecoder(log, NONE, options), clientFrame(random, Binary, payload));
  assert(same(log.messages[0] ?? NONE, payload));
  // The promise of four gigabytes takes none.
  const patient = new FrameDecoder(log, NONE, { ...options, maxMessage: 2 ** 32 });
  decode(patient, decodeHex("82ff" + "00000000ffffffff" + "01020304" + "00"));
  assert(patient.room().length <= MAX_TRANSPORT_MESSAGE);
});

/** Writes one frame as a client sends it. */
function clientFrame(
  random: SeededRandom,
  opcode: number,
  payload: Uint8Array,
  { fin = true }: { readonly fin?: boolean } = {},
): Uint8Array {
  const header = serverHeader(opcode, payload.length, { fin });
  header[1] = (header[1] ?? 0) | 0x80;
  const mask = random.bytes(4);
  return joined(header, mask, payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0)));
}

/** Notes what a decoder finds. */
class Log implements FrameSink {
  readonly entries: string[] = [];
  readonly messages: Uint8Array[] = [];

  onMessage(message: Uint8Array, isText: boolean): void {
    this.entries.push(`${isText ? "text" : "binary"} ${encodeHex(message)}`);
    this.messages.push(message);
  }

  onPing(payload: Uint8Array): void {
    this.entries.push(`ping ${encodeHex(payload)}`);
  }

  onClose(code: number, reason: string): void {
    this.entries.push(`close ${code} ${reason}`);
  }
}

function decoded(bytes: Uint8Array, pieceSize: () => number = () => Infinity): string[] {
  const log = new Log();
  decode(new FrameDecoder(log, NONE), bytes, pieceSize);
  return log.entries;
}

/** Gives bytes as a connection would: as many as there is room for, or fewer. */
function decode(
  decoder: FrameDecoder,
  bytes: Uint8Array,
  pieceSize: () => number = () => Infinity,
): void {
  for (let at = 0; at < bytes.length;) {
    const room = decoder.room();
    assert(room.length > 0);
    const piece = bytes.subarray(at, at + Math.min(room.length, pieceSize()));
    room.set(piece);
    at += piece.length;
    decoder.received(piece.length);
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
