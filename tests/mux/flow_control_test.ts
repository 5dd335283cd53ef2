import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { ErrorCode, SessionError } from "../../lib/wire/errors.ts";
import { Budget, ReceiveWindow, SendWindow } from "../../lib/mux/flow_control.ts";
import { INITIAL_WINDOW, MAX_WINDOW } from "../../lib/wire/limits.ts";
import { FakeClock } from "../testing/fake_clock.ts";

/** Bytes: more than any window here grows to. */
const PLENTY = 1 << 30;

/** Milliseconds in which no window still grows. */
const SLOW = 1001;

Deno.test("Budget gives up to its limit and takes back", () => {
  const budget = new Budget(10);
  assert(budget.tryTake(10));
  assertFalse(budget.tryTake(1));
  assertEquals(budget.used, 10);
  budget.give(4);
  assertFalse(budget.tryTake(5));
  assert(budget.tryTake(4));
});

Deno.test("SendWindow counts what is spent and added", () => {
  const window = new SendWindow(100);
  window.spend(100);
  assertEquals(window.available, 0);
  window.add(30);
  assertEquals(window.available, 30);
});

Deno.test("SendWindow refuses a credit of nothing", () => {
  flowControlError(() => new SendWindow(100).add(0));
});

Deno.test("SendWindow takes credit up to 2^31 - 1 and refuses one byte more", () => {
  const window = new SendWindow(100);
  window.add(0x7fff_ffff - 100);
  assertEquals(window.available, 0x7fff_ffff);
  flowControlError(() => window.add(1));
  flowControlError(() => new SendWindow(0).add(0xffff_ffff));
});

Deno.test("ReceiveWindow refuses the first byte above what it allowed", () => {
  const window = new ReceiveWindow(100, new Budget(PLENTY), false);
  window.receive(60);
  window.receive(40);
  flowControlError(() => window.receive(1));
});

Deno.test("ReceiveWindow gives credit for what was consumed, not for what arrived", () => {
  const window = new ReceiveWindow(100, new Budget(PLENTY), false);
  window.receive(100);
  flowControlError(() => window.receive(1));
  assertEquals(window.consume(49, false), 0, "less than half a window waits for more");
  assertEquals(window.consume(11, false), 60);
  window.receive(60);
  flowControlError(() => window.receive(1));
});

Deno.test("ReceiveWindow grows fourfold while its reader empties it within a second, up to 16 MiB", () => {
  using _clock = new FakeClock();
  const budget = new Budget(PLENTY);
  const window = new ReceiveWindow(INITIAL_WINDOW, budget, false);
  const sizes = [];
  for (let allowed = INITIAL_WINDOW, i = 0; i < 8; i++) {
    window.receive(allowed);
    allowed = window.consume(allowed, true);
    sizes.push(window.size / 1024);
  }
  assertEquals(sizes, [1024, 4096, 16384, 16384, 16384, 16384, 16384, 16384]);
  assertEquals(budget.used, MAX_WINDOW - INITIAL_WINDOW);
});

Deno.test("ReceiveWindow gives back half of a small window at once, and 2 MiB of a large one", () => {
  using clock = new FakeClock();
  for (const [size, step] of [[1_000_000, 500_000], [MAX_WINDOW, 2 * 1024 * 1024]] as const) {
    const window = new ReceiveWindow(size, new Budget(PLENTY), false);
    window.receive(size);
    clock.advance(SLOW);
    assertEquals(window.consume(step - 1, false), 0);
    assertEquals(window.consume(1, false), step);
  }
});

Deno.test("ReceiveWindow lets the peer send exactly the credit that it gave, grown or not", () => {
  using clock = new FakeClock();
  const window = new ReceiveWindow(1000, new Budget(PLENTY), false);
  for (let allowed = 1000, i = 0; i < 12; i++) {
    window.receive(allowed);
    flowControlError(() => window.receive(1));
    clock.advance(i % 3 === 0 ? SLOW : 10);
    allowed = window.consume(allowed, i % 2 === 0);
    assert(allowed >= 1000);
  }
});

Deno.test("ReceiveWindow grows when its reader ran dry at any time, and not with the last byte alone", () => {
  using _clock = new FakeClock();
  const window = new ReceiveWindow(1000, new Budget(PLENTY), false);
  window.receive(1000);
  assertEquals(window.consume(499, true), 0);
  assertEquals(window.consume(1, false), 500 + 3000);
  assertEquals(window.size, 4000);
});

Deno.test("ReceiveWindow does not grow while its reader is slow or leaves something unread", () => {
  using clock = new FakeClock();
  const window = new ReceiveWindow(1000, new Budget(PLENTY), false);
  window.receive(1000);
  clock.advance(SLOW);
  assertEquals(window.consume(600, true), 600);
  assertEquals(window.consume(400, false), 0);
  window.receive(600);
  clock.advance(1);
  assertEquals(window.consume(300, false), 700);
  assertEquals(window.size, 1000);
});

Deno.test("ReceiveWindow does not grow beyond the session's budget", () => {
  using _clock = new FakeClock();
  const budget = new Budget(2500);
  const window = new ReceiveWindow(1000, budget, false);
  window.receive(1000);
  assertEquals(window.consume(1000, true), 2000);
  window.receive(2000);
  assertEquals(window.consume(2000, true), 2000, "2000 more would pass the budget");
  assertEquals([window.size, budget.used], [2000, 1000]);
});

Deno.test("ReceiveWindow takes of the second half of the budget when 4 MiB were read, and not before", () => {
  using _clock = new FakeClock();
  const budget = new Budget(4 * INITIAL_WINDOW);
  assert(budget.tryTake(2 * INITIAL_WINDOW));
  assertEquals(budget.spare, 0);
  const window = new ReceiveWindow(INITIAL_WINDOW, budget, false);
  const sizes = [];
  for (let allowed = INITIAL_WINDOW, i = 0; i < 17; i++) {
    window.receive(allowed);
    allowed = window.consume(allowed, true);
    sizes.push(window.size / INITIAL_WINDOW);
  }
  assertEquals(sizes, [...new Array(15).fill(1), 2, 2]);
});

Deno.test("ReceiveWindow.release gives back all that it took, once", () => {
  using _clock = new FakeClock();
  const budget = new Budget(PLENTY);
  assert(budget.tryTake(1000));
  const window = new ReceiveWindow(1000, budget, true);
  window.receive(1000);
  window.consume(1000, true);
  assertEquals(budget.used, 4000);
  window.release();
  window.release();
  assertEquals(budget.used, 0);
});

function flowControlError(run: () => unknown): void {
  assertEquals(assertThrows(run, SessionError).code, ErrorCode.FlowControl);
}
