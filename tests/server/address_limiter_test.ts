import { assert, assertEquals } from "@std/assert";
import { AddressLimiter } from "../../lib/server/address_limiter.ts";
import { FakeClock } from "../testing/fake_clock.ts";

Deno.test("AddressLimiter lets a period's worth pass at once and one more each time it is earned", () => {
  using clock = new FakeClock();
  const limiter = new AddressLimiter({ count: 3, period: 60_000 });
  const passes = () => limiter.pass("192.0.2.1") === 0;
  assertEquals([passes(), passes(), passes(), passes()], [true, true, true, false]);
  clock.advance(19_000);
  assert(!passes());
  assertEquals(Math.round(limiter.pass("192.0.2.1")), 1_000);
  clock.advance(1_000);
  assertEquals([passes(), passes()], [true, false]);
  clock.advance(60_000);
  assertEquals([passes(), passes(), passes(), passes()], [true, true, true, false]);
});

Deno.test("AddressLimiter does not make those wait longer who ask too early", () => {
  using clock = new FakeClock();
  const limiter = new AddressLimiter({ count: 1, period: 1_000 });
  assertEquals(limiter.pass("192.0.2.1"), 0);
  for (let i = 0; i < 100; i++) assertEquals(limiter.pass("192.0.2.1"), 1_000);
  clock.advance(1_000);
  assertEquals(limiter.pass("192.0.2.1"), 0);
});

Deno.test("AddressLimiter takes an IPv6 network of 64 bits for one address, and IPv4 however it is written", () => {
  using _clock = new FakeClock();
  const limiter = new AddressLimiter({ count: 1, period: 1_000 });
  assertEquals(limiter.pass("2001:db8:1:2::1"), 0);
  assert(limiter.pass("2001:db8:1:2:ffff::9") > 0);
  assertEquals(limiter.pass("2001:db8:1:3::1"), 0);
  assertEquals(limiter.pass("192.0.2.1"), 0);
  assert(limiter.pass("::ffff:192.0.2.1") > 0);
  assertEquals(limiter.pass("192.0.2.2"), 0);
});

Deno.test("A15 AddressLimiter remembers no more than ten thousand addresses, those that asked last", () => {
  using clock = new FakeClock();
  const limiter = new AddressLimiter({ count: 1, period: 1_000 });
  const address = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
  for (let i = 0; i < 30_000; i++) assertEquals(limiter.pass(address(i)), 0);
  assertEquals(limiter.size, 10_000);
  assert(limiter.pass(address(29_999)) > 0);
  assert(limiter.pass(address(20_000)) > 0);
  clock.advance(1_000);
  assertEquals(limiter.pass("192.0.2.1"), 0);
  assertEquals(limiter.size, 1, "what has used up nothing is forgotten");
});
