import { assertEquals } from "@std/assert";
import { targetURI } from "../../../lib/server/listen/target_uri.ts";

Deno.test("targetURI keeps every byte of the target", () => {
  for (
    const target of [
      "/",
      "//x",
      "/a/../b",
      "/%2e%2e/%2F%00",
      "/\\;%zz'{}|\"<>^`",
      "/#frag",
      "/?",
      "/a?b=http://c/d",
      "/a:b@c",
      "/*",
    ]
  ) {
    assertEquals(targetURI("GET", `http://h.example:80${target}`), {
      scheme: "http",
      authority: "h.example:80",
      target,
    });
  }
});

Deno.test("targetURI makes an empty path / (RFC 9112 3.2.1)", () => {
  assertEquals(targetURI("GET", "https://h").target, "/");
  assertEquals(targetURI("GET", "http://h?q=/").target, "/?q=/");
  assertEquals(targetURI("GET", "http://h?q=/").authority, "h");
});

Deno.test("targetURI gives raw UTF-8, which Deno decoded, as the octets that came", () => {
  assertEquals(targetURI("GET", "http://h/\u00e9?\u{1f600}").target, "/\xc3\xa9?\xf0\x9f\x98\x80");
});

Deno.test("targetURI gives OPTIONS its asterisk-form back (RFC 9112 3.2.4)", () => {
  assertEquals(targetURI("OPTIONS", "http://h/*").target, "*");
  assertEquals(targetURI("OPTIONS", "http://h/*/").target, "/*/");
  assertEquals(targetURI("GET", "http://h/*").target, "/*");
});
