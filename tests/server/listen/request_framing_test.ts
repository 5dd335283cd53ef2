import { assertEquals } from "@std/assert";
import { oneLength, requestFraming } from "../../../lib/server/listen/request_framing.ts";

function framing(method: string, fields: Record<string, string>): unknown {
  const body = method === "GET" || method === "HEAD" ? null : "x";
  const request = new Request("http://a.test/", { method, body });
  const found = requestFraming(request, Object.entries(fields));
  return found.kind === "refused"
    ? found.status
    : found.kind === "body"
    ? found.length
    : found.kind;
}

Deno.test("requestFraming takes a body's length from Content-Length, and null from chunks", () => {
  assertEquals(framing("POST", { "content-length": "7" }), 7);
  assertEquals(framing("PUT", { "transfer-encoding": "chunked" }), null);
  assertEquals(framing("PUT", { "transfer-encoding": "Chunked" }), null);
});

Deno.test("requestFraming finds no body where neither field is and Connection shows HTTP/1.1, whatever the method", () => {
  for (const method of ["POST", "DELETE", "OPTIONS", "PROPFIND", "GET", "HEAD"]) {
    assertEquals(framing(method, { connection: "close" }), "none", method);
  }
  assertEquals(framing("POST", { "content-length": "0" }), "none");
});

Deno.test("requestFraming leaves open whether a body comes that no field announces, as over HTTP/2", () => {
  for (const method of ["POST", "DELETE", "MKCOL", "PROPFIND"]) {
    assertEquals(framing(method, {}), "unannounced", method);
  }
  for (const method of ["GET", "HEAD"]) assertEquals(framing(method, {}), "none", method);
});

Deno.test("requestFraming refuses a length that is not one number", () => {
  for (
    const length of ["5, 6", "5,", "+5", "-1", "0x5", "5 5", "", "1e3", "99999999999999999"]
  ) {
    assertEquals(framing("POST", { "content-length": length }), 400, length);
  }
});

Deno.test("oneLength joins a length that is repeated and equal, and no other list (RFC 9110 8.6)", () => {
  assertEquals(["5", "5, 5", "5,5 ,5"].map(oneLength), ["5", "5", "5"]);
  for (const list of ["5, 6", "5,", ",", ", 5"]) assertEquals(oneLength(list), list);
});

Deno.test("oneLength leaves a list of more than a hundred members as it is, so that it is refused", () => {
  const list = (members: number) => new Array(members).fill("5").join(",");
  assertEquals(oneLength(list(100)), "5");
  assertEquals(oneLength(list(101)), list(101));
});

Deno.test("requestFraming refuses codings that it cannot carry and two framings at once", () => {
  assertEquals(framing("POST", { "transfer-encoding": "gzip, chunked" }), 501);
  assertEquals(framing("POST", { "transfer-encoding": "chunked, chunked" }), 501);
  assertEquals(framing("POST", { "transfer-encoding": "chunked", "content-length": "5" }), 400);
});

Deno.test("requestFraming refuses the body of a GET or HEAD, which would be lost, by a code of its own", () => {
  assertEquals(framing("GET", { "content-length": "3" }), 400);
  assertEquals(framing("HEAD", { "transfer-encoding": "chunked" }), 400);
  const request = new Request("http://a.test/", { method: "GET" });
  const refused = requestFraming(request, [["content-length", "3"]]);
  assertEquals(refused.kind === "refused" && refused.code, "get-body");
});
