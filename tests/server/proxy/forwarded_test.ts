import { assertEquals } from "@std/assert";
import { AddressSet } from "../../../lib/net/address_set.ts";
import { ForwardedFields, type VisitorConnection } from "../../../lib/server/proxy/forwarded.ts";
import type { Field } from "../../../lib/http/fields.ts";

const open = new ForwardedFields({ trustProxy: null });
const behindProxy = new ForwardedFields({
  trustProxy: AddressSet.parse("127.0.0.1, 10.0.0.0/8, ::1"),
});

const VISITOR: VisitorConnection = {
  peer: "203.0.113.9",
  scheme: "http",
  host: "abc.example:6519",
};
const PROXY: VisitorConnection = { ...VISITOR, peer: "127.0.0.1" };

Deno.test("ForwardedFields says who asked, how, and for which host", () => {
  const fields = open.apply([["accept", "*/*"]], { ...VISITOR, scheme: "https" });
  assertEquals(fields, [
    ["accept", "*/*"],
    ["x-forwarded-for", "203.0.113.9"],
    ["x-forwarded-proto", "https"],
    ["x-forwarded-host", "abc.example:6519"],
    ["forwarded", 'for=203.0.113.9;host="abc.example:6519";proto=https'],
  ]);
});

Deno.test("ForwardedFields drops what a visitor claims, in every spelling, and keeps the rest in order", () => {
  const claims: Field[] = [
    ["x-forwarded-for", "1.1.1.1"],
    ["x_forwarded_for", "1.1.1.1"],
    ["x-forwarded_proto", "https"],
    ["x-forwarded-proto", "https"],
    ["x-forwarded-host", "evil"],
    ["x-forwarded-port", "1"],
    ["forwarded", "for=1.1.1.1"],
    ["x-real-ip", "1.1.1.1"],
    ["x_real_ip", "1.1.1.1"],
    ["x-forwarded", "1.1.1.1"],
    ["x_forwarded", "1.1.1.1"],
    ["x-forwarded-user", "root"],
    ["x-forwarded-prefix", "/admin"],
    ["x-forwarded_ssl", "on"],
    ["x-forwarded-scheme", "https"],
    ["x-forwarded-server", "evil"],
    ["x-forwarded-of-tomorrow", "1"],
    ["x-original-url", "/admin"],
    ["x_original_url", "/admin"],
    ["x-rewrite-url", "/admin"],
    ["x-http-host-override", "evil"],
    ["front-end-https", "on"],
    ["front_end_https", "on"],
    ["x-client-ip", "1.1.1.1"],
    ["client-ip", "1.1.1.1"],
    ["client_ip", "1.1.1.1"],
    ["true-client-ip", "1.1.1.1"],
    ["true_client_ip", "1.1.1.1"],
    ["cf-connecting-ip", "1.1.1.1"],
    ["cf_connecting_ip", "1.1.1.1"],
    ["fastly-client-ip", "1.1.1.1"],
    ["fly-client-ip", "1.1.1.1"],
    ["forwarded-for", "1.1.1.1"],
  ];
  for (const forwarded of [open, behindProxy]) {
    const kept: Field[] = [
      ["x-b", "2"],
      ["x_b", "3"],
      ["from", "me"],
      ["cache-control", "no-cache"],
      ["x-forward", "1"],
      ["x-original-filename", "a.png"],
      ["x", "4"],
    ];
    const fields = forwarded.apply([["a", "1"], ...claims, ...kept], VISITOR);
    assertEquals(fields, [
      ["a", "1"],
      ...kept,
      ["x-forwarded-for", "203.0.113.9"],
      ["x-forwarded-proto", "http"],
      ["x-forwarded-host", "abc.example:6519"],
      ["forwarded", 'for=203.0.113.9;host="abc.example:6519";proto=http'],
    ]);
  }
});

Deno.test("ForwardedFields quotes IPv6 addresses in brackets (RFC 7239 6), and takes mapped ones for IPv4", () => {
  const by = (peer: string) => open.apply([], { ...VISITOR, peer, host: "h" });
  assertEquals(by("2001:db8::1"), [
    ["x-forwarded-for", "2001:db8::1"],
    ["x-forwarded-proto", "http"],
    ["x-forwarded-host", "h"],
    ["forwarded", 'for="[2001:db8::1]";host=h;proto=http'],
  ]);
  assertEquals(by("::ffff:192.0.2.1").at(-1), ["forwarded", "for=192.0.2.1;host=h;proto=http"]);
  assertEquals(by("fe80::1%eth0").at(0), ["x-forwarded-for", "fe80::1"]);
});

Deno.test("ForwardedFields carries on what a trusted proxy says", () => {
  const fields = behindProxy.apply([
    ["x-forwarded-for", "203.0.113.9"],
    ["x-forwarded-proto", "https"],
    ["x-forwarded-host", "public.example"],
    ["x-forwarded-port", "443"],
    ["x-real-ip", "203.0.113.9"],
    ["forwarded", "for=203.0.113.9;proto=https"],
    ["x-forwarded-user", "ada"],
    ["x_forwarded_user", "root"],
    ["x-original-url", "/a"],
    ["accept", "*/*"],
  ], PROXY);
  assertEquals(fields, [
    ["x-forwarded-port", "443"],
    ["x-real-ip", "203.0.113.9"],
    ["x-forwarded-user", "ada"],
    ["x-original-url", "/a"],
    ["accept", "*/*"],
    ["x-forwarded-for", "203.0.113.9, 127.0.0.1"],
    ["x-forwarded-proto", "https"],
    ["x-forwarded-host", "public.example"],
    ["forwarded", "for=203.0.113.9;proto=https, for=127.0.0.1;host=public.example;proto=https"],
  ]);
});

Deno.test("ForwardedFields joins a trusted proxy's repeated lists, and drops its underscore names", () => {
  const fields = behindProxy.apply([
    ["x-forwarded-for", "1.1.1.1"],
    ["x-forwarded-for", "2.2.2.2"],
    ["x_forwarded_for", "3.3.3.3"],
  ], PROXY);
  assertEquals(fields[0], ["x-forwarded-for", "1.1.1.1, 2.2.2.2, 127.0.0.1"]);
});

Deno.test("ForwardedFields writes Forwarded from a trusted X-Forwarded-For when that is all there is", () => {
  const fields = behindProxy.apply([
    ["x-forwarded-for", "2001:db8::1,rubbish\\, 10.0.0.2"],
    ["x-forwarded-proto", "https"],
  ], PROXY);
  assertEquals(fields.at(-1), [
    "forwarded",
    'for="[2001:db8::1]";host="abc.example:6519";proto=https, for=unknown, for=10.0.0.2, for=127.0.0.1',
  ]);
});

Deno.test("ForwardedFields tells the trusted peer's own address when it says nothing", () => {
  assertEquals(behindProxy.apply([], PROXY)[0], ["x-forwarded-for", "127.0.0.1"]);
});

Deno.test("ForwardedFields escapes what it quotes", () => {
  const fields = behindProxy.apply([["x-forwarded-host", 'a"b\\c']], PROXY);
  assertEquals(fields.at(-1), ["forwarded", 'for=127.0.0.1;host="a\\"b\\\\c";proto=http']);
});

Deno.test("ForwardedFields.clientAddress is the peer unless the peer is trusted", () => {
  const claim: Field[] = [["x-forwarded-for", "1.1.1.1"]];
  assertEquals(open.clientAddress(claim, "203.0.113.9"), "203.0.113.9");
  assertEquals(open.clientAddress(claim, "::ffff:127.0.0.1"), "127.0.0.1");
  assertEquals(behindProxy.clientAddress(claim, "203.0.113.9"), "203.0.113.9");
  assertEquals(behindProxy.clientAddress(claim, "::ffff:127.0.0.1"), "1.1.1.1");
});

Deno.test("ForwardedFields.clientAddress is the nearest hop that is not trusted", () => {
  const by = (list: string) => behindProxy.clientAddress([["x-forwarded-for", list]], "::1");
  assertEquals(by("6.6.6.6, 203.0.113.9, 10.1.1.1"), "203.0.113.9");
  assertEquals(by("6.6.6.6,203.0.113.9:4711,[::1]:80"), "203.0.113.9");
  assertEquals(by("10.1.1.1, 10.1.1.2"), "10.1.1.1");
  assertEquals(by("6.6.6.6, rubbish, 10.1.1.1"), "10.1.1.1");
  assertEquals(by("2001:db8::5"), "2001:db8::5");
  assertEquals(by(""), "::1");
  assertEquals(by(","), "::1");
  assertEquals(by(`${"[".repeat(60_000)}, 10.1.1.1`), "10.1.1.1");
});
