import { assertEquals, assertThrows } from "@std/assert";
import { FrameBuffer, Opcode } from "../../lib/websocket/encoder.ts";
import { serverFrame } from "../testing/server_frame.ts";
import { MessageReader } from "./message_reader.ts";

const HEAD = new TextEncoder().encode("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");

Deno.test("MessageReader finds the frames of either side behind the head, however they are cut", () => {
  for (const length of [0, 5, 125, 126, 65_535, 65_536]) {
    const payload = Uint8Array.from({ length }, (_, i) => i * 7);
    const ofClient = new FrameBuffer(length + 100);
    ofClient.append(Opcode.Binary, payload, 0x1234_5678);
    ofClient.append(Opcode.Pong, payload.subarray(0, 5), 0x9abc_def0);
    const expected = [[Opcode.Binary, payload], [Opcode.Pong, payload.subarray(0, 5)]];
    const sent = ofClient.bytes.subarray(0, ofClient.length);
    for (const piece of [1_000_000, 1000, 7]) {
      assertEquals(read(joined(HEAD, sent), piece), expected, `${length} bytes from the client`);
    }
    const ofServer = joined(
      serverFrame(Opcode.Binary, payload),
      serverFrame(Opcode.Pong, payload.subarray(0, 5)),
    );
    assertEquals(read(joined(HEAD, ofServer), 1000), expected, `${length} bytes from the server`);
  }
});

Deno.test("MessageReader finds nothing before the head is complete", () => {
  assertEquals(read(HEAD.subarray(0, -1), 1), []);
});

Deno.test("MessageReader gives up at a fragment rather than count it wrongly", () => {
  const fragment = serverFrame(Opcode.Binary, new Uint8Array(3), { fin: false });
  assertThrows(() => read(joined(HEAD, fragment), 1000), RangeError, "fragments");
});

function read(bytes: Uint8Array, piece: number): unknown[] {
  const found: unknown[] = [];
  const reader = new MessageReader((opcode, payload) => found.push([opcode, payload]));
  for (let at = 0; at < bytes.length; at += piece) reader.push(bytes.subarray(at, at + piece));
  return found;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}
