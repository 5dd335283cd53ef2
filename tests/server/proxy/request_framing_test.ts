import { assertEquals } from "@std/assert";
import { FieldList } from "../../../lib/server/proxy/field_list.ts";
import { requestFraming } from "../../../lib/server/proxy/request_framing.ts";

function framing(
  method: string,
  fields: Record<string, string>,
  host = true,
  most: number | null = null,
): unknown {
  const headers = new Headers(host ? { host: "a.test", ...fields } : fields);
  const body = method === "GET" || method === "HEAD" ? null : "x";
  const found = requestFraming(
    new Request("http://a.test/", { method, body }),
    new FieldList(headers),
    most,
  );
  return found.kind === "refused" ? found.status : found.kind === "body" ? found.length : "none";
}

Deno.test("requestFraming takes a body's length from Content-Length, and null from chunks", () => {
  assertEquals(framing("POST", { "content-length": "7" }), 7);
  assertEquals(framing("PUT", { "transfer-encoding": "chunked" }), null);
  assertEquals(framing("PUT", { "transfer-encoding": "Chunked" }), null);
});

Deno.test("requestFraming finds no body where neither field is, whatever the method", () => {
  for (const method of ["POST", "DELETE", "OPTIONS", "PROPFIND", "GET", "HEAD"]) {
    assertEquals(framing(method, {}), "none", method);
  }
  assertEquals(framing("POST", { "content-length": "0" }), "none");
});

Deno.test("requestFraming takes an HTTP/2 body that no field announces", () => {
  assertEquals(framing("POST", {}, false), null);
  assertEquals(framing("GET", {}, false), "none");
});

Deno.test("requestFraming agrees to a length that is repeated and equal, and to no other list", () => {
  assertEquals(framing("POST", { "content-length": "5, 5" }), 5);
  for (const length of ["5, 6", "5,", "+5", "-1", "0x5", "5 5", "", "1e3", "99999999999999999"]) {
    assertEquals(framing("POST", { "content-length": length }), 400, length);
  }
});

Deno.test("requestFraming refuses codings that it cannot carry and two framings at once", () => {
  assertEquals(framing("POST", { "transfer-encoding": "gzip, chunked" }), 501);
  assertEquals(framing("POST", { "transfer-encoding": "chunked, chunked" }), 501);
  assertEquals(framing("POST", { "transfer-encoding": "chunked", "content-length": "5" }), 400);
});

Deno.test("requestFraming refuses the body of a GET or HEAD, which would be lost", () => {
  assertEquals(framing("GET", { "content-length": "3" }), 400);
  assertEquals(framing("HEAD", { "transfer-encoding": "chunked" }), 400);
});

Deno.test("requestFraming refuses a length above the limit, and no body that announces none", () => {
  assertEquals(framing("POST", { "content-length": "500" }, true, 500), 500);
  assertEquals(framing("POST", { "content-length": "501" }, true, 500), 413);
  assertEquals(framing("POST", { "content-length": "501" }, false, 500), 413);
  assertEquals(framing("POST", { "transfer-encoding": "chunked" }, true, 500), null);
  assertEquals(framing("POST", {}, true, 500), "none");
});
