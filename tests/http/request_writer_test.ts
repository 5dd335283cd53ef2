import { assertEquals, assertThrows } from "@std/assert";
import {
  type BodyFraming,
  framingOfNothing,
  MAX_CHUNK_PREFIX,
  MAX_REQUEST_HEAD,
  prepareRequest,
  requestRoom,
  writeChunkPrefix,
  writeFraming,
  writeRequest,
} from "../../lib/http/request_writer.ts";
import { OriginError } from "../../lib/http/origin_error.ts";
import type { Field } from "../../lib/http/fields.ts";
import { type RequestHead } from "../../lib/http/head.ts";

function encode(head: Partial<RequestHead>, framing: BodyFraming = "none"): Uint8Array {
  const whole = { method: "GET", target: "/", fields: [], ...head };
  const request = prepareRequest(whole);
  const out = new Uint8Array(requestRoom(request));
  return out.subarray(0, writeFraming(framing, out, writeRequest(request, out)));
}

function text(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

function assertRefused(head: Partial<RequestHead>, framing: BodyFraming = "none"): void {
  const error = assertThrows(() => encode(head, framing), OriginError);
  assertEquals(error.code, "malformed", JSON.stringify(head));
}

Deno.test("prepareRequest writes the start line and the fields in the order given, and nothing else", () => {
  const fields: Field[] = [["host", "a.example"], ["x", "1"], ["accept", "*/*"], ["x", "2"]];
  assertEquals(
    text(encode({ method: "PROPFIND", target: "//x/../y/%2e?a='\"<>#f", fields })),
    "PROPFIND //x/../y/%2e?a='\"<>#f HTTP/1.1\r\nhost: a.example\r\nx: 1\r\naccept: */*\r\nx: 2\r\n\r\n",
  );
  assertEquals(text(encode({ method: "OPTIONS", target: "*" })), "OPTIONS * HTTP/1.1\r\n\r\n");
});

Deno.test("prepareRequest writes each character as one octet", () => {
  const target = text(new TextEncoder().encode("/é/€/😀"));
  const bytes = encode({ target, fields: [["x-name", "é\xff\tü"], ["empty", ""]] });
  assertEquals(text(bytes), `GET ${target} HTTP/1.1\r\nx-name: é\xff\tü\r\nempty: \r\n\r\n`);
});

Deno.test("prepareRequest passes over framing and connection fields", () => {
  const names =
    "content-length,transfer-encoding,connection,keep-alive,upgrade,te,trailer,proxy-connection";
  const smuggled = names.split(",").map((name): Field => [name, "chunked"]);
  assertEquals(
    text(encode({ fields: [...smuggled, ["a", "b"]] })),
    "GET / HTTP/1.1\r\na: b\r\n\r\n",
  );
});

Deno.test("writeFraming announces the body by its length or as chunked", () => {
  const fields: Field[] = [["content-length", "99"], ["transfer-encoding", "gzip"]];
  assertEquals(text(encode({ fields }, 7)), "GET / HTTP/1.1\r\ncontent-length: 7\r\n\r\n");
  assertEquals(text(encode({ fields }, 0)), "GET / HTTP/1.1\r\ncontent-length: 0\r\n\r\n");
  assertEquals(
    text(encode({ fields }, "chunked")),
    "GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
  );
});

Deno.test("framingOfNothing says that there is no body only where a length was given and is expected", () => {
  for (const method of ["POST", "PUT", "PATCH"]) {
    assertEquals(framingOfNothing(method, true), 0);
    assertEquals(framingOfNothing(method, false), "none");
  }
  assertEquals(framingOfNothing("GET", true), "none");
});

Deno.test("prepareRequest refuses methods that are no token, and CONNECT", () => {
  for (const method of ["", "GE T", "GET\r\n", "G\0", "GÉT", "GET:", "CONNECT"]) {
    assertRefused({ method });
  }
});

Deno.test("prepareRequest refuses targets that would end the start line or are of another form", () => {
  const targets = [
    "",
    "x",
    "http://a/",
    "**",
    "*/",
    "/ ",
    "/a b",
    "/\t",
    "/\r\nx: y",
    "/\0",
    "/\x7f",
  ];
  for (const target of [...targets, "/é b", "/é\n", "/\ud800", "/\udc00x"]) {
    assertRefused({ target });
  }
});

Deno.test("prepareRequest refuses names that are no token and values that would end the line", () => {
  for (const name of ["", "a b", "a:", "a\r\n", "é", "a\0", "\ud800", "Host"]) {
    assertRefused({ fields: [[name, "x"]] });
  }
  for (const char of ["\r", "\n", "\0", "\x01", "\x1f", "\x7f", "\u0100", "\u{1f600}"]) {
    assertRefused({ fields: [["x", `a${char}b`]] });
  }
});

Deno.test("writeFraming refuses lengths that are no count of bytes", () => {
  for (const length of [-1, 1.5, NaN, Infinity, 2 ** 53]) assertRefused({}, length);
});

Deno.test("prepareRequest refuses a head that is too long", () => {
  const head = {
    method: "GET",
    target: "/",
    fields: [["x", "y".repeat(MAX_REQUEST_HEAD)]] as const,
  };
  assertEquals(assertThrows(() => prepareRequest(head), OriginError).code, "malformed");
});

Deno.test("writeChunkPrefix gives the size in hexadecimal", () => {
  const out = new Uint8Array(32);
  let at = writeChunkPrefix(255, out, 0);
  assertEquals(text(out.subarray(0, at)), "ff\r\n");
  at = writeChunkPrefix(0xffff_ffff, out, 0);
  assertEquals(text(out.subarray(0, at)), "ffffffff\r\n");
  assertEquals(at, MAX_CHUNK_PREFIX);
});
