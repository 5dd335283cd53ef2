import { assertEquals, assertNotEquals } from "@std/assert";
import { networkOf, parseAddress } from "../../lib/net/ip_address.ts";

Deno.test("parseAddress reads the spellings of RFC 4291 2.2 and no others", () => {
  const bytes = (text: string) => parseAddress(text)?.join(".");
  assertEquals(bytes("1:2:3:4:5:6:7:8"), "0.1.0.2.0.3.0.4.0.5.0.6.0.7.0.8");
  assertEquals(bytes("::"), new Array(16).fill(0).join("."));
  assertEquals(bytes("ABCD::1"), bytes("abcd:0:0:0:0:0:0:1"));
  assertEquals(bytes("1:2:3:4:5:6:7::"), bytes("1:2:3:4:5:6:7:0"));
  assertEquals(bytes("::ffff:1.2.3.4"), bytes("1.2.3.4"));
  assertEquals(bytes("1:2:3:4:5:6:1.2.3.4"), bytes("1:2:3:4:5:6:102:304"));
  for (
    const wrong of [
      ":",
      ":::",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4::5:6:7:8",
      "12345::",
      "g::",
      "1.2.3.4::",
      "::1.2.3.4:1",
      ":1:2:3:4:5:6:7",
      "fe80::1%eth0",
      " ::1",
      "+1.2.3.4",
      "1e1.0.0.1",
      "0x7f.0.0.1",
    ]
  ) assertEquals(parseAddress(wrong), undefined, wrong);
});

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

Deno.test("networkOf leaves any other text than an address as it is", () => {
  for (const text of ["", "unknown", "a:b"]) assertEquals(networkOf(text), text);
});
