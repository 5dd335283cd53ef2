import { assertEquals } from "@std/assert";
import { type Beating, Heartbeat } from "../../lib/mux/heartbeat.ts";
import { FakeClock } from "../testing/fake_clock.ts";

Deno.test("Heartbeat tells every member of each second, with the time", () => {
  using clock = new FakeClock();
  const heartbeat = new Heartbeat();
  const [first, second] = [new BeatLog(), new BeatLog()];
  heartbeat.add(first);
  heartbeat.add(second);
  const start = clock.now;
  clock.advance(3000);
  assertEquals(first.beats, [start + 1000, start + 2000, start + 3000]);
  assertEquals(second.beats, first.beats);
  assertEquals(first.suspended, 0);
  assertEquals(heartbeat.now, start + 3000);
});

Deno.test("Heartbeat runs one timer, and none without members", () => {
  using clock = new FakeClock();
  const heartbeat = new Heartbeat();
  const [first, second] = [new BeatLog(), new BeatLog()];
  assertEquals(clock.pending, 0);
  heartbeat.add(first);
  heartbeat.add(second);
  assertEquals(clock.pending, 1);
  heartbeat.remove(first);
  heartbeat.remove(first);
  assertEquals(clock.pending, 1);
  heartbeat.remove(second);
  assertEquals(clock.pending, 0);
});

Deno.test("Heartbeat knows the time at once when the first member comes after a pause", () => {
  using clock = new FakeClock();
  const heartbeat = new Heartbeat();
  const member = new BeatLog();
  clock.advance(3_600_000);
  heartbeat.add(member);
  assertEquals(heartbeat.now, clock.now);
  clock.advance(1000);
  assertEquals(member.suspended, 0, "nobody was there to oversleep");
});

Deno.test("Heartbeat says so, once, when the machine slept, though the monotonic clock stood still", () => {
  using clock = new FakeClock();
  const heartbeat = new Heartbeat();
  const member = new BeatLog();
  heartbeat.add(member);
  clock.advance(1000);
  clock.sleep(60_000);
  clock.advance(2000);
  assertEquals([member.beats.length, member.suspended], [3, 1]);
});

Deno.test("Heartbeat says so when the process was stopped, though the wall clock was set back", () => {
  using clock = new FakeClock();
  const heartbeat = new Heartbeat();
  const member = new BeatLog();
  heartbeat.add(member);
  clock.advance(1000);
  clock.stop(30_000);
  clock.sleep(-3_600_000);
  clock.advance(0);
  assertEquals(member.suspended, 1);
});

Deno.test("Heartbeat takes no notice of a wall clock that is set back while it beats", () => {
  using clock = new FakeClock();
  const heartbeat = new Heartbeat();
  const member = new BeatLog();
  heartbeat.add(member);
  clock.sleep(-3_600_000);
  clock.advance(3000);
  assertEquals([member.beats.length, member.suspended], [3, 0]);
});

Deno.test("Heartbeat takes a beat that is a little late for nothing special", () => {
  using clock = new FakeClock();
  const heartbeat = new Heartbeat();
  const member = new BeatLog();
  heartbeat.add(member);
  clock.sleep(4000);
  clock.advance(1000);
  assertEquals(member.suspended, 0);
});

Deno.test("Heartbeat bears members that leave during a beat", () => {
  using clock = new FakeClock();
  const heartbeat = new Heartbeat();
  const second = new BeatLog();
  const first = new BeatLog(() => {
    heartbeat.remove(first);
    heartbeat.remove(second);
  });
  heartbeat.add(first);
  heartbeat.add(second);
  clock.advance(5000);
  assertEquals(first.beats.length, 1);
  assertEquals(clock.pending, 0);
});

/** Notes what a heartbeat tells it. */
class BeatLog implements Beating {
  readonly beats: number[] = [];
  suspended = 0;

  constructor(readonly whenBeat: () => void = () => {}) {}

  beat(now: number, suspended: boolean): void {
    this.beats.push(now);
    if (suspended) this.suspended++;
    this.whenBeat();
  }
}
