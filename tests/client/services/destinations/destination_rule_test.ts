import { assertEquals, assertThrows } from "@std/assert";
import {
  parseAllowedDestination,
  parseDeniedDestination,
} from "../../../../lib/client/services/destinations/destination_rule.ts";
import { Glob } from "../../../../lib/client/services/destinations/glob.ts";

Deno.test("parseAllowedDestination refuses what is no URL, or no whole host", () => {
  const wrong = [
    ...["", "a.internal", "ftp://a", "https://", "https://*a.internal"],
    ...[
      "https://a.*.internal",
      "https://*.*",
      "https://*.10.0.0.1",
      "https://u@a",
      "https://a/b?c",
    ],
    ...["https://a/b#c", "https://0x7f.1", "https://127.1", "https://a:80:80", "https://a:x"],
    ...["https://[::1", "https://é", "10.0.0.0/8"],
  ];
  for (const text of wrong) {
    const message = "must be like https://*.internal:443/api/*";
    assertThrows(() => parseAllowedDestination(text), RangeError, message, text);
  }
  for (
    const text of ["https://a x", "https://a : b", "https://a X-A: b; c", "GET https://a b c: d"]
  ) {
    const message = "must have fields such as X-Team: web-* behind the URL";
    assertThrows(() => parseAllowedDestination(text), RangeError, message, text);
  }
  for (const text of ["get https://a", "GET, HEAD https://a", "GET"]) {
    assertThrows(() => parseAllowedDestination(text), RangeError, "must ", text);
  }
  for (const text of ["https://a:0", "https://a:65536"]) {
    assertThrows(() => parseAllowedDestination(text), RangeError, "must have a port up to 65535");
  }
  assertThrows(() => parseAllowedDestination("10.0.0.0/8"), RangeError, "must be like");
  assertThrows(() => parseDeniedDestination("10.0.0.0/33"), RangeError, "must be like");
});

Deno.test("Glob takes each star for anything, in the order of its parts", () => {
  const expected: Readonly<Record<string, readonly [readonly string[], readonly string[]]>> = {
    "/a": [["/a"], ["", "/", "/a/", "/ab", "b/a"]],
    "*": [["", "/a"], []],
    "/a/*": [["/a/", "/a/b/c"], ["/a", "/b/a/"]],
    "/*/b": [["/a/b", "//b", "/a/c/b"], ["/b", "/a/bc"]],
    "a*b*b": [["abb", "axbxb"], ["ab", "b"]],
    "**a": [["a", "ba"], ["", "ab"]],
  };
  for (const [pattern, [those, others]] of Object.entries(expected)) {
    const glob = new Glob(pattern);
    for (const text of those) assertEquals(glob.matches(text), true, `${pattern} ${text}`);
    for (const text of others) assertEquals(glob.matches(text), false, `${pattern} ${text}`);
  }
});
