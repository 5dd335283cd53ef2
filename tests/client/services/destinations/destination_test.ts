import { assertEquals } from "@std/assert";
import { parseDestination } from "../../../../lib/client/services/destinations/destination.ts";

Deno.test("parseDestination reads a URL of HTTP, its target octet by octet", () => {
  const read: Readonly<Record<string, readonly [string, string, number, string, string]>> = {
    "https://api.internal/a?b=c": ["https", "api.internal", 443, "/a?b=c", "https://api.internal"],
    "HTTP://Web:8080": ["http", "web", 8080, "/", "http://web:8080"],
    "http://api.internal.:80/": ["http", "api.internal", 80, "/", "http://api.internal"],
    "http://10.0.0.1/..%2f//;'<": ["http", "10.0.0.1", 80, "/..%2f//;'<", "http://10.0.0.1"],
    "https://[FD00::1]:8443/": ["https", "fd00::1", 8443, "/", "https://[fd00::1]:8443"],
  };
  for (const [text, expected] of Object.entries(read)) {
    const { scheme, host, port, target, origin } = parseDestination(text) ?? {};
    assertEquals([scheme, host, port, target, origin], [...expected], text);
  }
});

/** What lists of ways around checks have, by what they call it: none of them is one place for all readers. */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  "a decimal address": ["http://2130706433/", "http://3232235521/", "http://2852039166/"],
  "an octal address": [
    ...["http://0177.0.0.1/", "http://017700000001/", "http://0251.0376.0251.0376/"],
    ...["http://0177.00.00.01/", "http://127.0.0.01/"],
  ],
  "a hexadecimal address": [
    ...["http://0x7f000001/", "http://0x7F.0.0.1/", "http://0xA9.0xFE.0xA9.0xFE/"],
    ...["http://0x7f.1/", "http://127.0.0.0x1/", "http://0x/", "http://a.0x7f/"],
  ],
  "an address with parts left out": ["http://0/", "http://127.1/", "http://127.0.1/"],
  "an address that is too long": ["http://127.0.0.1.1/", "http://256.0.0.1/", "http://1.2.3.4444/"],
  "an IPv6 address with a zone or without brackets": [
    ...["http://[fe80::1%25lo]/", "http://[fe80::1%lo]/", "http://::1/", "http://0000::1:80/"],
    ...["http://[::1", "http://[127.0.0.1]/", "http://[::1]x/"],
  ],
  "a user in front of the host": [
    ...["http://127.0.0.1@api.internal/", "http://api.internal@127.0.0.1/"],
    ...["http://api.internal:80@127.0.0.1/", "http://1.1.1.1 &@2.2.2.2# @3.3.3.3/"],
  ],
  "a backslash in the host": [
    ...["http://127.1.1.1:80\\@127.2.2.2:80/", "http://api.internal\\.evil.example/"],
    ...["http:\\\\127.0.0.1/", "http:/\\127.0.0.1/", "http://127.1.1.1:80#\\@127.2.2.2:80/"],
  ],
  "a fragment": ["http://api.internal/#/a", "http://api.internal#@127.0.0.1/"],
  "no path before a query": ["http://api.internal?a=/b"],
  "other characters that look like a host's": [
    ...[
      "http://ⓔⓧⓐⓜⓟⓛⓔ.ⓒⓞⓜ/",
      "http://127。0。0。1/",
      "http://１２７.0.0.1/",
      "http://ａpi.internal/",
    ],
    ...[
      "http://api%2einternal/",
      "http://%31%32%37.0.0.1/",
      "http://api.internal%00.evil.example/",
    ],
  ],
  "blanks and control characters": [
    ...["http://api.internal /", " http://api.internal/", "http://api.internal/ a", "ht\ttp://a/"],
    ...[
      "http://api.internal/\r\nX-Other: a",
      "http://api.internal/\0",
      "http://api.internal/a\x7f",
    ],
  ],
  "another scheme": [
    ...["file:///etc/passwd", "gopher://127.0.0.1:25/x", "dict://a:11211/", "ftp://a/", "//a/"],
    ...["jar:http://127.0.0.1!/", "0://a:80;http://b:80/", "api.internal", "http:api.internal/"],
    ...["", "http://", "http:///a", "unix:/run/a.sock", "data:,a", "http+unix://a/", "ws://a/"],
  ],
  "several URLs": ["http://a/, http://b/", "http://a/,http://b/ http://c/"],
  "a port that is none": [
    ...["http://a:0/", "http://a:65536/", "http://a:+80/", "http://a:80a/", "http://a:80:80/"],
    ...["http://localhost:00011211aaaa/"],
  ],
};

for (const [way, urls] of Object.entries(REFUSED)) {
  Deno.test(`parseDestination refuses ${way}`, () => {
    for (const url of urls) assertEquals(parseDestination(url), undefined, url);
  });
}
