import { assertEquals, assertThrows } from "@std/assert";
import { decodeHex } from "@std/encoding/hex";
import { MAX_PROXY_HEADER, ProxyHeaderError, readProxyHeader } from "../../lib/net/proxy_header.ts";
import { toBytes } from "../testing/latin1.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const V2_TCP4 = decodeHex(`${SIGNATURE}2111000c` + "c0000207" + "c0000201" + "d431" + "01bb");
const V2_TCP6 = decodeHex(
  `${SIGNATURE}21210024` + "20010db8000000000000000000000007" +
    "20010db8000000000000000000000001" + "d43101bb",
);

Deno.test("readProxyHeader reads the source of a visitor, in both versions, and where the header ends", () => {
  const cases = [
    ["PROXY TCP4 192.0.2.7 192.0.2.1 54321 443\r\n", { hostname: "192.0.2.7", port: 54_321 }],
    ["PROXY TCP6 2001:db8::7 2001:db8::1 54321 443\r\n", { hostname: "2001:db8::7", port: 54_321 }],
    ["PROXY UNKNOWN\r\n", null],
    ["PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", null],
    [V2_TCP4, { hostname: "192.0.2.7", port: 54_321 }],
    [V2_TCP6, { hostname: "2001:db8:0:0:0:0:0:7", port: 54_321 }],
    // A health check of the proxy itself, and a family that is no TCP; both may have more behind the addresses.
    [decodeHex(`${SIGNATURE}20000000`), null],
    [decodeHex(`${SIGNATURE}21310002ffff`), null],
    [decodeHex(`${SIGNATURE}2111000f` + "c0000207c0000201d43101bb" + "040000"), {
      hostname: "192.0.2.7",
      port: 54_321,
    }],
  ] as const;
  for (const [header, source] of cases) {
    const bytes = typeof header === "string" ? toBytes(header) : header;
    const behind = new Uint8Array([...bytes, ...toBytes("GET / HTTP/1.1")]);
    assertEquals(readProxyHeader(behind), { source, end: bytes.length });
    for (let length = 0; length < bytes.length; length++) {
      assertEquals(readProxyHeader(bytes.subarray(0, length)), null, `${length} bytes`);
    }
  }
});

Deno.test("readProxyHeader refuses anything else, as soon as it can be seen", () => {
  for (
    const header of [
      toBytes("GET / HTTP/1.1\r\n"),
      toBytes("PROXY TCP4 a b 1 2\r\n"),
      toBytes("PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n"),
      toBytes("PROXY TCP6 192.0.2.7 192.0.2.1 1 2\r\n"),
      toBytes("PROXY TCP4 192.0.2.7 192.0.2.1 99999 2\r\n"),
      toBytes("PROXY TCP4 192.0.2.7 192.0.2.1 1 2\n"),
      toBytes(`PROXY ${"x".repeat(200)}`),
      decodeHex("0d0a0d0a000d0a515549540b"),
      decodeHex(`${SIGNATURE}11110000`),
      decodeHex(`${SIGNATURE}21110004c0000207`),
      decodeHex(`${SIGNATURE}2111${MAX_PROXY_HEADER.toString(16)}`),
    ]
  ) {
    assertThrows(() => readProxyHeader(header), ProxyHeaderError);
  }
});
