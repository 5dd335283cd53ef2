import { assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { ErrorCode, SessionError, StreamError } from "../../lib/wire/errors.ts";
import { type HeadReceiver, HeadTimer, PendingHead } from "../../lib/mux/pending_head.ts";
import { FakeClock } from "../testing/fake_clock.ts";
import { OK } from "../testing/heads.ts";
import type { ResponseHead } from "../../lib/http/head.ts";

Deno.test("PendingHead gives its head to the receiver once it is delivered, and once", async () => {
  const head = new PendingHead(0);
  const taken = new Taken();
  head.receive(taken);
  head.resolve(OK);
  await turn();
  assertEquals(taken.outcomes, []);
  head.deliver();
  head.deliver();
  head.reject(new Error("late"));
  await turn();
  assertStrictEquals(taken.outcomes[0], OK);
  assertEquals(taken.outcomes.length, 1);
});

Deno.test("PendingHead gives an error to the receiver behind what its caller does, and nothing after it", async () => {
  const head = new PendingHead(0);
  const taken = new Taken();
  head.receive(taken);
  const error = new StreamError(ErrorCode.OriginUnreachable, "no origin");
  head.reject(error);
  head.reject(new SessionError(ErrorCode.Silent, "late"));
  head.resolve(OK);
  head.deliver();
  assertStrictEquals(taken.outcomes[0], error);
  await turn();
  assertEquals(taken.outcomes.length, 1);
});

Deno.test("PendingHead tells a receiver that comes late, and a promise, what has come before", async () => {
  const [headed, failed] = [new PendingHead(0), new PendingHead(0)];
  headed.resolve(OK);
  headed.deliver();
  const error = new StreamError(ErrorCode.OriginCut, "cut");
  failed.reject(error);
  await turn();
  const taken = new Taken();
  failed.receive(taken);
  assertEquals(taken.outcomes, []);
  assertStrictEquals(await headed.promise, OK);
  await turn();
  assertEquals(taken.outcomes, [error]);
});

Deno.test("PendingHead.translate makes another error of one, and leaves heads alone", async () => {
  const [headed, failed] = [new PendingHead(0), new PendingHead(0)];
  const taken = new Taken();
  for (const head of [headed, failed]) {
    head.translate = (error) => new Error("translated", { cause: error });
    head.receive(taken);
  }
  const cause = new StreamError(ErrorCode.NotHere, "moved");
  failed.reject(cause);
  headed.resolve(OK);
  headed.deliver();
  await turn();
  const [first, second] = taken.outcomes;
  assertStrictEquals(first, OK);
  assertInstanceOf(second, Error);
  assertEquals([second.message, second.cause], ["translated", cause]);
});

Deno.test("HeadTimer ends each wait with Timeout when its own time is over", async () => {
  using clock = new FakeClock();
  const waits = new Waits();
  const first = waits.begin();
  clock.advance(400);
  const second = waits.begin();
  clock.advance(599);
  await turn();
  assertEquals(first.outcomes, []);
  clock.advance(1);
  await turn();
  timedOut(first);
  clock.advance(399);
  await turn();
  assertEquals(second.outcomes, []);
  clock.advance(1);
  await turn();
  timedOut(second);
  assertEquals(clock.pending, 0);
});

Deno.test("HeadTimer.extend starts one wait anew and leaves the others", async () => {
  using clock = new FakeClock();
  const waits = new Waits();
  const first = waits.begin();
  const second = waits.begin();
  clock.advance(900);
  waits.extend(0);
  clock.advance(100);
  await turn();
  timedOut(second);
  assertEquals(first.outcomes, []);
  clock.advance(899);
  await turn();
  assertEquals(first.outcomes, []);
  clock.advance(1);
  await turn();
  timedOut(first);
});

Deno.test("HeadTimer.extend begins no wait that is over", async () => {
  using clock = new FakeClock();
  const waits = new Waits();
  const first = waits.begin();
  clock.advance(1000);
  await turn();
  waits.extend(0);
  waits.begin();
  clock.advance(1000);
  await turn();
  assertEquals(first.outcomes.length, 1);
});

Deno.test("HeadTimer uses one timer for any number of waits, and none once it is stopped", () => {
  using clock = new FakeClock();
  const waits = new Waits();
  for (let i = 0; i < 1000; i++) waits.begin();
  assertEquals(clock.pending, 1);
  waits.timer.stop();
  assertEquals(clock.pending, 0);
});

/** Waits of a second each. */
class Waits {
  readonly #all: { readonly head: PendingHead }[] = [];
  // Sides that send a head wait for none.
  readonly timer = new HeadTimer(1000, () => [{ head: null }, ...this.#all]);

  begin(): Taken {
    const head = this.timer.begin();
    const taken = new Taken();
    head.receive(taken);
    this.#all.push({ head });
    return taken;
  }

  extend(index: number): void {
    const wait = this.#all[index];
    if (wait !== undefined) this.timer.extend(wait.head);
  }
}

/** Keeps what a receiver is told. */
class Taken implements HeadReceiver {
  readonly outcomes: (ResponseHead | Error)[] = [];

  onHead(head: ResponseHead): void {
    this.outcomes.push(head);
  }

  onFailure(error: Error): void {
    this.outcomes.push(error);
  }
}

/** Returns after everything that can still happen without time passing. */
async function turn(): Promise<void> {
  for (let i = 0; i < 10; i++) await null;
}

function timedOut({ outcomes }: Taken): void {
  const [error] = outcomes;
  assertInstanceOf(error, StreamError);
  assertEquals([error.code, outcomes.length], [ErrorCode.Timeout, 1]);
}
