import { assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { ErrorCode, SessionError, StreamError } from "../../lib/wire/errors.ts";
import { PendingHeads } from "../../lib/mux/pending_heads.ts";
import { FakeClock } from "../testing/fake_clock.ts";
import { OK } from "../testing/heads.ts";
import type { ResponseHead } from "../../lib/http/head.ts";

Deno.test("PendingHeads resolves the stream's own promise with its head", async () => {
  using clock = new FakeClock();
  const heads = new PendingHeads(1000);
  const first = heads.expect(1);
  const second = watch(heads.expect(2));
  heads.resolve(1, OK);
  assertStrictEquals(await first, OK);
  assertEquals([heads.size, second.outcome], [1, undefined]);
  heads.rejectAll(new SessionError(ErrorCode.GoingAway, "over"));
  assertEquals(clock.pending, 0);
});

Deno.test("PendingHeads rejects one stream's promise with its error", async () => {
  using _clock = new FakeClock();
  const heads = new PendingHeads(1000);
  const error = new StreamError(ErrorCode.OriginUnreachable, "no origin");
  const head = watch(heads.expect(1));
  heads.reject(1, error);
  heads.reject(1, new Error("late"));
  heads.resolve(1, OK);
  await head.settled;
  assertStrictEquals(head.outcome, error);
});

Deno.test("PendingHeads ignores heads and errors for streams that wait for none", () => {
  const heads = new PendingHeads(1000);
  heads.resolve(1, OK);
  heads.reject(2, new Error("unused"));
  heads.extend(3);
  assertEquals(heads.size, 0);
});

Deno.test("PendingHeads rejects each with Timeout when its own time is over", async () => {
  using clock = new FakeClock();
  const heads = new PendingHeads(1000);
  const first = watch(heads.expect(1));
  clock.advance(400);
  const second = watch(heads.expect(2));
  clock.advance(599);
  await first.turn();
  assertStrictEquals(first.outcome, undefined);
  clock.advance(1);
  await first.settled;
  timedOut(first.outcome);
  clock.advance(399);
  await second.turn();
  assertStrictEquals(second.outcome, undefined);
  clock.advance(1);
  await second.settled;
  timedOut(second.outcome);
  assertEquals([heads.size, clock.pending], [0, 0]);
});

Deno.test("PendingHeads.extend starts one stream's wait anew and leaves the others", async () => {
  using clock = new FakeClock();
  const heads = new PendingHeads(1000);
  const first = watch(heads.expect(1));
  const second = watch(heads.expect(2));
  clock.advance(900);
  heads.extend(1);
  clock.advance(100);
  await second.settled;
  timedOut(second.outcome);
  assertStrictEquals(first.outcome, undefined);
  clock.advance(899);
  await first.turn();
  assertStrictEquals(first.outcome, undefined);
  clock.advance(1);
  await first.settled;
  timedOut(first.outcome);
});

Deno.test("PendingHeads uses one timer for any number of streams", () => {
  using clock = new FakeClock();
  const heads = new PendingHeads(1000);
  for (let stream = 1; stream <= 1000; stream++) watch(heads.expect(stream));
  assertEquals(clock.pending, 1);
  heads.rejectAll(new SessionError(ErrorCode.GoingAway, "over"));
  assertEquals(clock.pending, 0);
});

Deno.test("PendingHeads.rejectAll rejects each exactly once with the session's error", async () => {
  using _clock = new FakeClock();
  const heads = new PendingHeads(1000);
  const all = [1, 2, 3].map((stream) => watch(heads.expect(stream)));
  const error = new SessionError(ErrorCode.Silent, "dead");
  heads.rejectAll(error);
  heads.rejectAll(new SessionError(ErrorCode.GoingAway, "again"));
  await Promise.all(all.map(({ settled }) => settled));
  assertEquals(all.map(({ outcome }) => outcome), [error, error, error]);
  assertEquals(heads.size, 0);
});

/** Follows a promise without leaving its rejection unhandled. */
class Watched {
  outcome: unknown;
  readonly settled: Promise<void>;

  constructor(promise: Promise<ResponseHead>) {
    const note = (outcome: unknown): void => {
      this.outcome = outcome;
    };
    this.settled = promise.then(note, note);
  }

  /** Returns after everything that a promise could still do without time passing. */
  async turn(): Promise<void> {
    for (let i = 0; i < 10; i++) await null;
  }
}

function watch(promise: Promise<ResponseHead>): Watched {
  return new Watched(promise);
}

function timedOut(outcome: unknown): void {
  assertInstanceOf(outcome, StreamError);
  assertEquals(outcome.code, ErrorCode.Timeout);
}
