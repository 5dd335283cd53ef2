import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  clientAway,
  errorResponse,
  headTimeout,
  methodNotAllowed,
  originFailed,
  refused,
  tooBusy,
  unknownTunnel,
} from "../../../lib/server/proxy/error_page.ts";

const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

function request(accept?: string, method = "GET"): Request {
  return new Request("http://localhost/", {
    method,
    headers: accept === undefined ? {} : { accept },
  });
}

Deno.test("errorResponse shows HTML to a browser and text to everybody else", async () => {
  const typeFor = async (accept?: string) => {
    const response = errorResponse(request(accept), 502, "Title", "Text.");
    await response.body?.cancel();
    return response.headers.get("content-type");
  };
  assertEquals(await typeFor(BROWSER), "text/html; charset=utf-8");
  assertEquals(await typeFor("text/html"), "text/html; charset=utf-8");
  for (
    const accept of [undefined, "", "*/*", "text/*", "application/json", "text/plain", ";;,q=x"]
  ) {
    assertEquals(await typeFor(accept), "text/plain; charset=utf-8", String(accept));
  }
});

Deno.test("errorResponse gives the status, the title and the text", async () => {
  const response = errorResponse(request(), 502, "Title", "What happened.");
  assertEquals(response.status, 502);
  assertEquals(await response.text(), "502 Title\n\nWhat happened.\n");
});

Deno.test("errorResponse escapes all that it shows in HTML, and carries no script", async () => {
  const hostile = `<script>alert("1")</script>&'`;
  const html = await errorResponse(request(BROWSER), 404, hostile, hostile).text();
  assert(!html.includes("<script"));
  assertStringIncludes(
    html,
    "<h1>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;</h1>",
  );
  assertStringIncludes(html, "<p>&lt;script&gt;");
});

Deno.test("errorResponse may not be cached, sniffed or made to load anything", async () => {
  const response = errorResponse(request(BROWSER), 404, "T", "t");
  assertEquals(response.headers.get("cache-control"), "no-store");
  assertEquals(response.headers.get("x-content-type-options"), "nosniff");
  assertEquals(
    response.headers.get("content-security-policy"),
    "default-src 'none'; style-src 'unsafe-inline'",
  );
  assertMatch(await response.text(), /color-scheme:light dark/);
});

Deno.test("errorResponse has an exact length in bytes, and for HEAD no body", async () => {
  const got = errorResponse(request(BROWSER), 404, "Ünknown", "é😀");
  const length = got.headers.get("content-length");
  assertEquals(String((await got.bytes()).length), length);
  const head = errorResponse(request(BROWSER, "HEAD"), 404, "Ünknown", "é😀");
  assertEquals(head.body, null);
  assertEquals(head.headers.get("content-length"), length);
});

Deno.test("errorResponse adds the fields it is given", async () => {
  const response = errorResponse(request(), 426, "T", "t", [["upgrade", "websocket"], ["x", "1"]]);
  await response.body?.cancel();
  assertEquals([response.headers.get("upgrade"), response.headers.get("x")], ["websocket", "1"]);
});

Deno.test("Each error page has its status and says what it is about", async () => {
  const pages: [Response, number, string][] = [
    [unknownTunnel(request(), "abc.example"), 404, "no tunnel at abc.example"],
    [clientAway(request(), "abc.example"), 502, "client of abc.example is not connected"],
    [
      originFailed(request(), "ECONNREFUSED", "connection refused"),
      502,
      "Connection refused. (ECONNREFUSED)",
    ],
    [headTimeout(request(), 30), 504, "within 30 seconds"],
    [refused(request(), 400, "the Host field is malformed"), 400, "The Host field is malformed."],
    [methodNotAllowed(request(undefined, "POST"), ["GET", "HEAD"]), 405, "method POST"],
    [tooBusy(request(), "too many requests at once", 0.2), 503, "Too many requests at once."],
    [refused(request(), 404, "no such host here"), 404, "404 Not Found\n\nNo such host here.\n"],
  ];
  for (const [response, status, words] of pages) {
    assertEquals(response.status, status);
    assertStringIncludes(await response.text(), words);
  }
});

Deno.test("methodNotAllowed names the methods, and tooBusy the whole seconds to wait", async () => {
  const notAllowed = methodNotAllowed(request(), ["GET", "HEAD"]);
  const busy = [tooBusy(request(), "busy", 0), tooBusy(request(), "busy", 1.2)];
  assertEquals(notAllowed.headers.get("allow"), "GET, HEAD");
  assertEquals(busy.map((response) => response.headers.get("retry-after")), ["1", "2"]);
  for (const response of [notAllowed, ...busy]) await response.body?.cancel();
});
