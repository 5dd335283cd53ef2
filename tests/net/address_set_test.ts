import { assert, assertFalse, assertThrows } from "@std/assert";
import { AddressSet } from "../../lib/net/address_set.ts";

Deno.test("AddressSet holds single addresses and networks of both families", () => {
  const set = AddressSet.parse("127.0.0.1, 10.0.0.0/8 ,::1,2001:db8::/33");
  for (const inside of ["127.0.0.1", "10.0.0.0", "10.255.255.255", "::1", "2001:db8:7fff::1"]) {
    assert(set.has(inside), inside);
  }
  for (
    const outside of ["127.0.0.2", "11.0.0.0", "9.255.255.255", "::2", "2001:db8:8000::1", "::"]
  ) {
    assertFalse(set.has(outside), outside);
  }
});

Deno.test("AddressSet takes an IPv4-mapped IPv6 address for the IPv4 address", () => {
  assert(AddressSet.parse("10.0.0.0/8").has("::ffff:10.1.2.3"));
  assert(AddressSet.parse("::ffff:10.0.0.1").has("10.0.0.1"));
  assert(AddressSet.parse("::ffff:a00:0/104").has("10.1.2.3"));
  assertFalse(AddressSet.parse("10.0.0.0/8").has("::10.1.2.3"));
});

Deno.test("AddressSet knows loopback and private by name", () => {
  const loopback = AddressSet.parse("loopback");
  assert(loopback.has("127.9.9.9") && loopback.has("::1") && loopback.has("::ffff:127.0.0.1"));
  assertFalse(loopback.has("10.0.0.1"));
  const privates = AddressSet.parse("private");
  for (
    const inside of [
      "10.1.1.1",
      "172.16.0.1",
      "172.31.255.255",
      "192.168.1.1",
      "169.254.1.1",
      "fd00::1",
      "fe80::1",
    ]
  ) assert(privates.has(inside), inside);
  for (const outside of ["172.32.0.1", "127.0.0.1", "8.8.8.8", "fec0::1"]) {
    assertFalse(privates.has(outside), outside);
  }
});

Deno.test("AddressSet takes /0 for every address of that family, and /32 and /128 for one", () => {
  const all4 = AddressSet.parse("0.0.0.0/0");
  assert(all4.has("255.1.2.3"));
  assertFalse(all4.has("2001:db8::1"));
  assert(AddressSet.parse("::/0").has("2001:db8::1"));
  assertFalse(AddressSet.parse("1.2.3.4/32").has("1.2.3.5"));
  assertFalse(AddressSet.parse("::1/128").has("::"));
});

Deno.test("AddressSet refuses bad text and names the value", () => {
  for (
    const value of [
      "",
      "a",
      "1.2.3",
      "1.2.3.256",
      "01.2.3.4",
      "1.2.3.4/33",
      "::/129",
      "1.2.3.4/",
      "1.2.3.4/-1",
      "1.2.3.4/1/2",
      "1.2.3.4:80",
      "[::1]",
      "Loopback",
    ]
  ) {
    assertThrows(
      () => AddressSet.parse(`127.0.0.1, ${value}`),
      RangeError,
      `not an IP address or network: ${JSON.stringify(value)}`,
    );
  }
});

Deno.test("AddressSet.has is false for any other text than an address", () => {
  const all = AddressSet.parse("0.0.0.0/0,::/0");
  for (const text of ["", "unknown", "a".repeat(10_000), "1.2.3.4.5", "_hidden"]) {
    assertFalse(all.has(text), text);
  }
});
