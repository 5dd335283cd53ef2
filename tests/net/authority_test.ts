import { assertEquals } from "@std/assert";
import { authorityOf, originOf, parseAuthority } from "../../lib/net/authority.ts";

Deno.test("parseAuthority reads names, addresses and ports, in lower case, without a trailing dot", () => {
  const read = (text: string) => {
    const authority = parseAuthority(text);
    return authority && [authority.name, authority.port, authority.isAddress];
  };
  assertEquals(read("a"), ["a", null, false]);
  assertEquals(read("A-b_c.Example.COM.:0080"), ["a-b_c.example.com", 80, false]);
  assertEquals(read("a:"), ["a", null, false]);
  assertEquals(read("a:0"), ["a", 0, false]);
  assertEquals(read("a:65535"), ["a", 65535, false]);
  assertEquals(read("127.0.0.1:6519"), ["127.0.0.1", 6519, true]);
  assertEquals(read("[2001:DB8::1]:443"), ["[2001:db8::1]", 443, true]);
  assertEquals(read("[::]"), ["[::]", null, true]);
  assertEquals(read("1a.2b"), ["1a.2b", null, false]);
  assertEquals(read(`${"a".repeat(63)}.b`), [`${"a".repeat(63)}.b`, null, false]);
  const longest = `${`${"a".repeat(49)}.`.repeat(5)}abc`;
  assertEquals(read(longest), [longest, null, false]);
});

Deno.test("authorityOf puts an IPv6 address in brackets", () => {
  const written = ["localhost", "127.0.0.1", "::1"].map((host) => authorityOf({ host, port: 80 }));
  assertEquals(written, ["localhost:80", "127.0.0.1:80", "[::1]:80"]);
});

Deno.test("parseAuthority refuses everything else", () => {
  for (
    const text of [
      "",
      ".",
      "..",
      ".a",
      "a..",
      "a..b",
      ":80",
      "a:65536",
      "a:99999",
      "a:123456",
      "a:-1",
      "a:+1",
      "a:1e3",
      "a: 80",
      "a:80:80",
      "a b",
      " a",
      "a,b",
      "a/b",
      "a/b@c",
      "u@a",
      "u:p@a",
      "a%2e",
      "a?b",
      "a#b",
      "a\\b",
      "a\tb",
      "a\0",
      "caf\xe9",
      "\u212a",
      "a".repeat(64),
      `${"a.".repeat(127)}a`,
      "1.2.3",
      "256.1.1.1",
      "01.2.3.4",
      "127.1",
      "2130706433",
      "a.1",
      "::1",
      "[::1",
      "[]",
      "[::1]80",
      "[::1]a",
      "[::1%25eth0]",
      "[v1.a]",
      "[127.0.0.1]",
      "[::1].",
      "[::1]:99999",
    ]
  ) assertEquals(parseAuthority(text), undefined, JSON.stringify(text));
});

Deno.test("originOf leaves out the scheme's own port and no other", () => {
  const origin = (scheme: "http" | "https", text: string) => {
    const authority = parseAuthority(text);
    return authority && originOf(scheme, authority);
  };
  assertEquals(origin("http", "A:80"), "http://a");
  assertEquals(origin("https", "a:443"), "https://a");
  assertEquals(origin("https", "a:80"), "https://a:80");
  assertEquals(origin("http", "[::1]:6519"), "http://[::1]:6519");
  assertEquals(origin("http", "a:"), "http://a");
});
