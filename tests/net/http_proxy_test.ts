import { assertEquals, assertThrows } from "@std/assert";
import { isExempt, parseProxy } from "../../lib/net/http_proxy.ts";

Deno.test("parseProxy reads a host and port with a login, and completes what is missing", () => {
  const none = { authorization: null };
  assertEquals(parseProxy("http://proxy.example:3128/"), {
    host: "proxy.example",
    port: 3128,
    ...none,
  });
  assertEquals(parseProxy("HTTP://Proxy.Example"), { host: "proxy.example", port: 80, ...none });
  assertEquals(parseProxy("10.0.0.1:8080"), { host: "10.0.0.1", port: 8080, ...none });
  assertEquals(parseProxy("http://[::1]:3128"), { host: "::1", port: 3128, ...none });
  const { authorization } = parseProxy("http://zo%C3%AB:p%40ss:w@proxy:3128");
  assertEquals(authorization, `Basic ${new TextEncoder().encode("zoë:p@ss:w").toBase64()}`);
  assertEquals(parseProxy("ann@proxy:3128").authorization, "Basic YW5u");
});

Deno.test("parseProxy refuses what is no HTTP proxy", () => {
  for (
    const text of ["socks5://a:1080", "https://a:3128", "http://", "a:0", "http://a/b", "a b", ""]
  ) {
    assertThrows(() => parseProxy(text), RangeError, "must be like http://proxy.example.com:3128");
  }
  assertThrows(() => parseProxy("http://a%zz:b@c"), RangeError, "percent-encoded");
});

Deno.test("isExempt reads a list such as NO_PROXY", () => {
  const cases: readonly (readonly [list: string, url: string, isExempt: boolean])[] = [
    ["", "https://a.example", false],
    ["*", "https://a.example", true],
    ["a.example", "https://a.example", true],
    ["A.Example", "https://a.example:6519", true],
    ["a.example", "https://b.a.example", true],
    [".a.example", "https://b.a.example", true],
    ["*.a.example", "https://b.a.example", true],
    ["a.example", "https://ba.example", false],
    ["a.example", "https://example", false],
    ["b, a.example", "https://a.example", true],
    ["b a.example", "https://a.example", true],
    ["a.example:443", "https://a.example", true],
    ["a.example:80", "http://a.example", true],
    ["a.example:80", "https://a.example", false],
    ["10.0.0.0/8", "http://10.1.2.3", true],
    ["10.0.0.0/8", "http://11.1.2.3", false],
    ["10.1.2.3:6519", "http://10.1.2.3:6519", true],
    ["2001:db8::/32", "http://[2001:db8::1]", true],
    ["[::1]:6519", "http://[::1]:6519", true],
    ["1.2", "http://1.2.3.4", false],
    ["a/b, ,c.example", "http://c.example", true],
  ];
  for (const [list, url, expected] of cases) {
    assertEquals(isExempt(list, new URL(url)), expected, `${list} ${url}`);
  }
});
