import { assertEquals, assertNotEquals } from "@std/assert";
import { networkOf } from "../../../lib/server/access/network_of.ts";

Deno.test("networkOf takes the 64 bits that name a site of IPv6, however they are written", () => {
  const network = networkOf("2001:db8:1:2::1");
  for (const address of ["2001:db8:1:2:ffff::9", "2001:DB8:1:2:0:0:0:0", "2001:0db8:0001:2::a"]) {
    assertEquals(networkOf(address), network);
  }
  assertNotEquals(networkOf("2001:db8:1:3::1"), network);
});

Deno.test("networkOf takes the whole of an IPv4 address, also in the form of IPv6", () => {
  assertEquals(networkOf("192.0.2.1"), "192.0.2.1");
  for (const address of ["::ffff:192.0.2.1", "::ffff:c000:201"]) {
    assertEquals(networkOf(address), "192.0.2.1");
  }
  assertNotEquals(networkOf("::ffff:192.0.2.2"), "192.0.2.1");
});

Deno.test("networkOf leaves what is no address as it is", () => {
  for (const text of ["", "unknown", "a:b"]) assertEquals(networkOf(text), text);
});
