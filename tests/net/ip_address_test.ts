import { assertEquals } from "@std/assert";
import { parseAddress } from "../../lib/net/ip_address.ts";

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
