import { assertEquals } from "@std/assert";
import { CloseCode } from "../../lib/websocket/close_code.ts";
import { ClosingHandshake } from "../../lib/websocket/closing_handshake.ts";
import { FakeClock } from "../testing/fake_clock.ts";

Deno.test("ClosingHandshake waits until the peer is quiet, and closes once", () => {
  using clock = new FakeClock();
  const socket = new ClosedSocket();
  const closing = new ClosingHandshake(socket, () => {});
  closing.closeWhenQuiet(1009, "too long");
  assertEquals(socket.calls, []);
  clock.advance(199);
  closing.heard();
  closing.close(1011, "in the meantime");
  clock.advance(199);
  assertEquals(socket.calls, []);
  clock.advance(1);
  assertEquals(socket.calls, [[1009, "too long"]]);
  closing.finish();
  assertEquals(clock.pending, 0);
});

Deno.test("ClosingHandshake waits no longer than 2 s for a peer that never falls silent", () => {
  using clock = new FakeClock();
  const socket = new ClosedSocket();
  const closing = new ClosingHandshake(socket, () => {});
  const noise = setInterval(() => closing.heard(), 20);
  closing.closeWhenQuiet(1013, "too much");
  clock.advance(1990);
  assertEquals(socket.calls, []);
  clock.advance(10);
  assertEquals(socket.calls, [[1013, "too much"]]);
  clearInterval(noise);
});

Deno.test("ClosingHandshake closes no socket that is closed, and leaves no timer", () => {
  using clock = new FakeClock();
  const socket = new ClosedSocket();
  const closing = new ClosingHandshake(socket, () => {});
  closing.closeWhenQuiet(1009, "too long");
  closing.finish();
  closing.close(1000, "");
  assertEquals([clock.pending, socket.calls.length, closing.isOver], [0, 0, true]);
});

Deno.test("ClosingHandshake ends the connection of a peer that does not answer within 30 s, whoever began", () => {
  using clock = new FakeClock();
  for (const way of ["close", "closeWhenQuiet"] as const) {
    const socket = new ClosedSocket();
    let unanswered = 0;
    const closing = new ClosingHandshake(socket, () => unanswered++);
    closing[way](1000, "");
    if (way === "closeWhenQuiet") clock.advance(200);
    clock.advance(29_999);
    assertEquals([socket.terminated, unanswered], [false, 0]);
    clock.advance(1);
    assertEquals([socket.terminated, unanswered, clock.pending], [true, 1, 0]);
  }
});

Deno.test("ClosingHandshake gives a peer that reads slowly a second more for each 8 kB", () => {
  using clock = new FakeClock();
  const socket = new ClosedSocket();
  socket.bufferedAmount = 800_000;
  new ClosingHandshake(socket, () => {}).close(1000, "");
  clock.advance(129_999);
  assertEquals(socket.terminated, false);
  clock.advance(1);
  assertEquals(socket.terminated, true);
});

Deno.test("ClosingHandshake leaves a connection alone whose peer has answered", () => {
  using clock = new FakeClock();
  const socket = new ClosedSocket();
  const closing = new ClosingHandshake(socket, () => {});
  closing.close(1000, "");
  closing.finish();
  clock.advance(60_000);
  assertEquals([socket.terminated, clock.pending], [false, 0]);
});

Deno.test("ClosingHandshake cuts a reason to 123 bytes, never inside a character", () => {
  for (
    const [reason, sent] of [
      ["é".repeat(61), "é".repeat(61)],
      ["é".repeat(62), "é".repeat(61)],
      ["a".repeat(124), "a".repeat(123)],
      ["😀".repeat(31), "😀".repeat(30)],
    ] as const
  ) {
    using _clock = new FakeClock();
    const socket = new ClosedSocket();
    new ClosingHandshake(socket, () => {}).close(1000, reason);
    assertEquals(socket.calls, [[1000, sent]]);
  }
});

Deno.test("ClosingHandshake sends no code where none was sent, and 1011 for one that no frame may carry", () => {
  for (
    const [code, sent] of [
      [CloseCode.NoStatus, []],
      [CloseCode.Abnormal, [1011]],
      [1015, [1011]],
      [4999, [4999, "r"]],
    ] as const
  ) {
    using _clock = new FakeClock();
    const socket = new ClosedSocket();
    new ClosingHandshake(socket, () => {}).close(code, "r");
    assertEquals(socket.calls, [[...sent]]);
  }
});

class ClosedSocket {
  readonly calls: unknown[][] = [];
  terminated = false;
  bufferedAmount = 0;

  terminate(): void {
    this.terminated = true;
  }

  close(...args: unknown[]): void {
    this.calls.push(args);
  }
}
