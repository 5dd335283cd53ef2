import { assertEquals } from "@std/assert";
import {
  BODY_IDLE_TIMEOUT,
  IdleWatch,
  type Waiting,
} from "../../../lib/server/proxy/idle_watch.ts";
import { FakeClock } from "../../testing/fake_clock.ts";

class Upload implements Waiting {
  waitingSince: number | null = null;
  ends = 0;

  onIdle(): void {
    this.waitingSince = null;
    this.ends++;
  }
}

Deno.test("IdleWatch ends a wait after the timeout, and not much later", () => {
  using clock = new FakeClock();
  const watch = new IdleWatch();
  const upload = new Upload();
  watch.add(upload);
  upload.waitingSince = watch.tick;
  clock.advance(BODY_IDLE_TIMEOUT);
  assertEquals(upload.ends, 0);
  clock.advance(BODY_IDLE_TIMEOUT / 12);
  assertEquals(upload.ends, 1);
  clock.advance(10 * BODY_IDLE_TIMEOUT);
  assertEquals(upload.ends, 1);
  watch.delete(upload);
});

Deno.test("IdleWatch leaves alone what moves, and what waits for somebody else", () => {
  using clock = new FakeClock();
  const watch = new IdleWatch(12_000);
  const [moving, heldBack] = [new Upload(), new Upload()];
  for (const upload of [moving, heldBack]) watch.add(upload);
  for (let i = 0; i < 100; i++) {
    moving.waitingSince = watch.tick;
    clock.advance(11_000);
  }
  assertEquals([moving.ends, heldBack.ends], [0, 0]);
  for (const upload of [moving, heldBack]) watch.delete(upload);
});

Deno.test("IdleWatch has one timer for all, and none when nothing is watched", () => {
  using clock = new FakeClock();
  const watch = new IdleWatch();
  const uploads = Array.from({ length: 1000 }, () => new Upload());
  for (const upload of uploads) watch.add(upload);
  assertEquals([watch.size, clock.pending], [1000, 1]);
  for (const upload of uploads) watch.delete(upload);
  assertEquals([watch.size, clock.pending], [0, 0]);
});
