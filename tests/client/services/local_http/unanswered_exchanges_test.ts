import { assertEquals } from "@std/assert";
import { UnansweredExchanges } from "../../../../lib/client/services/local_http/unanswered_exchanges.ts";
import { FakeClock } from "../../../testing/fake_clock.ts";

/** Longer than an answer is waited for in patience, in milliseconds. */
const LONG = 200;

/** Counts how often idle connections were let go; some are there when the test says so. */
class Idle {
  closed = 0;
  isThere = true;
  readonly exchanges = new UnansweredExchanges<string>(() => {
    if (this.isThere) this.closed++;
    return this.isThere;
  });
}

Deno.test("UnansweredExchanges lets idle connections go once for an exchange that waits for long", () => {
  using clock = new FakeClock();
  const idle = new Idle();
  idle.exchanges.add("a");
  assertEquals([idle.closed, idle.exchanges.needIdle()], [0, false]);
  clock.advance(LONG);
  assertEquals([idle.closed, idle.exchanges.needIdle()], [1, false]);
  clock.advance(100 * LONG);
  assertEquals([idle.closed, idle.exchanges.needIdle()], [1, false]);
  // Another one that waits is another reason.
  idle.exchanges.add("b");
  clock.advance(LONG);
  assertEquals(idle.closed, 2);
  idle.exchanges.remove("a");
  idle.exchanges.remove("b");
});

Deno.test("UnansweredExchanges lets the next idle connection go at once where it helped", () => {
  using clock = new FakeClock();
  const idle = new Idle();
  for (const exchange of ["a", "b", "c"]) idle.exchanges.add(exchange);
  clock.advance(LONG);
  assertEquals(idle.closed, 1);
  idle.exchanges.begun("a");
  assertEquals([idle.exchanges.needIdle(), idle.exchanges.needIdle()], [true, false]);
  idle.exchanges.begun("b");
  assertEquals([idle.exchanges.needIdle(), idle.exchanges.needIdle()], [true, false]);
  idle.exchanges.begun("c");
  assertEquals([idle.exchanges.needIdle(), clock.pending], [false, 0]);
});

Deno.test("UnansweredExchanges wants the first connection that becomes idle, when none was there", () => {
  using clock = new FakeClock();
  const idle = new Idle();
  idle.isThere = false;
  idle.exchanges.add("a");
  clock.advance(10 * LONG);
  assertEquals([idle.exchanges.needIdle(), idle.exchanges.needIdle()], [true, false]);
  idle.exchanges.remove("a");
});

Deno.test("UnansweredExchanges lets nothing go for answers that begin soon, and runs no timer without exchanges", () => {
  using clock = new FakeClock();
  const idle = new Idle();
  for (let i = 0; i < 10; i++) {
    idle.exchanges.add("a");
    clock.advance(10);
    idle.exchanges.begun("a");
    assertEquals([idle.closed, idle.exchanges.needIdle(), clock.pending], [0, false, 0]);
  }
});
