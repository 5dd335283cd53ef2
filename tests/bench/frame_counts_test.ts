import { assertEquals, assertThrows } from "@std/assert";
import { SessionError } from "../../lib/wire/errors.ts";
import { FrameType } from "../../lib/wire/frame.ts";
import { frameOf } from "../testing/frame_peer.ts";
import { FrameCounter } from "./frame_counts.ts";

Deno.test("FrameCounter.since tells what has come since a snapshot, without pings", () => {
  const counter = new FrameCounter();
  counter.add(frameOf(FrameType.Data, { stream: 1 }));
  const before = counter.snapshot();
  const ping = frameOf(FrameType.Ping, { payload: new Uint8Array(8) });
  const data = frameOf(FrameType.Data, { stream: 3 });
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
