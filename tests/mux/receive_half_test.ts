import { assertEquals, assertThrows } from "@std/assert";
import { Budget, ReceiveWindow } from "../../lib/mux/flow_control.ts";
import { ReceiveHalf } from "../../lib/mux/receive_half.ts";
import { ErrorCode, StreamError } from "../../lib/wire/errors.ts";
import { FrameType } from "../../lib/wire/frame.ts";

const WINDOW = 1000;

Deno.test("ReceiveHalf gives what was received to its reader after a Reset, and takes nothing of the budget for that", () => {
  const { half, budget, credits } = halfOf();
  for (let i = 0; i < 2; i++) half.take(FrameType.Data, 0, new Uint8Array(WINDOW / 2));
  const error = new StreamError(ErrorCode.Cancelled, "the peer wants no more");
  half.fail(error, false);
  half.release();
  // The two pieces are a whole window, read within a second: one that would grow.
  let read = 0;
  for (let chunk = half.readNow(); chunk !== undefined; chunk = half.readNow()) {
    read += chunk.bytes.length;
  }
  assertEquals([read, budget.used, credits], [WINDOW, 0, []]);
  assertThrows(() => half.read(), StreamError, error.message);
});

Deno.test("ReceiveHalf grows its window from the budget while it is read, and gives all of it back at its end", () => {
  const { half, budget, credits } = halfOf();
  half.take(FrameType.Data, 0, new Uint8Array(WINDOW));
  half.readNow();
  assertEquals([budget.used, credits], [4 * WINDOW, [4 * WINDOW]]);
  half.release();
  assertEquals(budget.used, 0);
});

function halfOf() {
  const budget = new Budget(1_000_000);
  budget.tryTake(WINDOW);
  const credits: number[] = [];
  const half = new ReceiveHalf({
    window: new ReceiveWindow(WINDOW, budget, true),
    expectsHead: false,
    ended: false,
    sendCredit: (credit) => credits.push(credit),
  });
  return { half, budget, credits };
}
