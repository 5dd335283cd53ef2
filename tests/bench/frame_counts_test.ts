import { assertEquals, assertThrows } from "@std/assert";
import { SessionError } from "../../lib/wire/errors.ts";
import { encodeFrame, FrameType } from "../../lib/wire/frame.ts";
import { FrameCounter } from "./frame_counts.ts";

const NOTHING = new Uint8Array(0);

Deno.test("FrameCounter.since tells what has come since a snapshot, without pings", () => {
  const counter = new FrameCounter();
  counter.add(encodeFrame(FrameType.Data, 0, 1, NOTHING));
  const before = counter.snapshot();
  const ping = encodeFrame(FrameType.Ping, 0, 0, new Uint8Array(8));
  const data = encodeFrame(FrameType.Data, 0, 3, NOTHING);
  counter.add(new Uint8Array([...data, ...ping, ...data]));
  counter.bytes += 100;
  assertEquals(counter.since(before), {
    bytes: 100,
    messages: 1,
    frames: new Map([["Data", 2]]),
  });
});

Deno.test("FrameCounter.add refuses anything but a frame", () => {
  assertThrows(() => new FrameCounter().add(new Uint8Array([0xff])), SessionError);
});
