import { assert, assertEquals } from "@std/assert";
import { VisitorQuotas } from "../../../lib/server/access/visitor_quotas.ts";

Deno.test("VisitorQuotas gives one visitor half of the streams, a hundred at least", () => {
  assertEquals([roomIn(1_001), roomIn(200), roomIn(20)], [500, 100, 100]);
});

Deno.test("VisitorQuotas takes the addresses of one IPv6 network for one visitor", () => {
  const shares = new VisitorQuotas(1000, 1);
  const leave = shares.enter("a", "2001:db8::1");
  assert(!shares.hasRoom("a", "2001:db8::ffff"));
  assert(shares.hasRoom("a", "2001:db8:0:1::1"));
  leave();
  assert(shares.hasRoom("a", "2001:db8::ffff"));
});

Deno.test("VisitorQuotas counts each tunnel's streams apart, also after all have ended", () => {
  const quotas = new VisitorQuotas(1000, 1);
  for (let i = 0; i < 2; i++) {
    const leave = quotas.enter("a", "192.0.2.1");
    assert(!quotas.hasRoom("a", "192.0.2.1"));
    assert(quotas.hasRoom("a", "192.0.2.2") && quotas.hasRoom("b", "192.0.2.1"));
    leave();
    assert(quotas.hasRoom("a", "192.0.2.1"));
  }
});

Deno.test("VisitorQuotas takes a stream out of the count once, however often its end is told", () => {
  const quotas = new VisitorQuotas(1000, 1);
  const leave = quotas.enter("a", "192.0.2.1");
  leave();
  quotas.enter("a", "192.0.2.1");
  leave();
  assert(!quotas.hasRoom("a", "192.0.2.1"));
});

/** Counts the streams that one visitor gets where a tunnel may have so many. */
function roomIn(streams: number): number {
  const shares = new VisitorQuotas(streams, null);
  let entered = 0;
  for (; shares.hasRoom("a", "192.0.2.1"); entered++) shares.enter("a", "192.0.2.1");
  return entered;
}
