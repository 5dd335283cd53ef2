import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fieldValue } from "../../../lib/http/fields.ts";
import type { AnswerCode } from "../../../lib/server/listen/visit.ts";
import {
  clientAway,
  errorAnswer,
  type ErrorPage,
  type ErrorRequest,
  methodNotAllowed,
  originFailed,
  originTooSlow,
  refusalAnswer,
  tooBusy,
  unknownTunnel,
  type WholeAnswer,
} from "../../../lib/server/proxy/error_page.ts";

const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

function request(accept?: string, method = "GET"): ErrorRequest {
  return { method, fields: accept === undefined ? [] : [["accept", accept]] };
}

/** Makes an error page. */
function show(
  request: ErrorRequest,
  page: Partial<ErrorPage> = {},
): { readonly answer: WholeAnswer; readonly text: string } {
  const whole = { code: "failed", status: 502, title: "Title", text: "Text.", ...page } as const;
  const answer = errorAnswer(request, whole);
  return { answer, text: textOf(answer) };
}

function textOf({ body }: WholeAnswer): string {
  return new TextDecoder().decode(body ?? undefined);
}

Deno.test("errorAnswer shows HTML to a browser and text to everybody else", () => {
  const typeFor = (accept?: string) =>
    fieldValue(show(request(accept)).answer.fields, "content-type");
  assertEquals(typeFor(BROWSER), "text/html; charset=utf-8");
  assertEquals(typeFor("text/html"), "text/html; charset=utf-8");
  for (
    const accept of [undefined, "", "*/*", "text/*", "application/json", "text/plain", ";;,q=x"]
  ) {
    assertEquals(typeFor(accept), "text/plain; charset=utf-8", String(accept));
  }
});

Deno.test("errorAnswer weighs the types in the first 1,024 characters of Accept and no others", () => {
  const typeAfter = (length: number) => {
    const accept = `${"a/b;q=0.1,".repeat(length / 10)}text/html`;
    return fieldValue(show(request(accept)).answer.fields, "content-type");
  };
  assertEquals(typeAfter(1000), "text/html; charset=utf-8");
  // What the boundary cuts is not read as a shorter type.
  for (const length of [1020, 1030, 60_000]) {
    assertEquals(typeAfter(length), "text/plain; charset=utf-8", String(length));
  }
  const cut = `text/html${" ".repeat(2000)};q=0,text/plain`;
  assertEquals(
    fieldValue(show(request(cut)).answer.fields, "content-type"),
    "text/plain; charset=utf-8",
  );
});

Deno.test("errorAnswer gives the status, the title, the text and the code", () => {
  const { answer, text } = show(request(), { text: "What happened." });
  assertEquals([answer.status, answer.code], [502, "failed"]);
  assertEquals(text, "502 Title\n\nWhat happened.\n");
});

Deno.test("errorAnswer tells the owner what to do behind what the visitor should know", () => {
  const page = { text: "Not now.", owner: "If it is yours, start it." };
  assertEquals(show(request(), page).text, "502 Title\n\nNot now.\nIf it is yours, start it.\n");
  assertMatch(
    show(request(BROWSER), page).text,
    /<p>Not now\.<\/p>\n<p class="aside">If it is yours, start it\.<\/p>[^]*<footer>502 Bad Gateway · [-0-9]+ [:0-9]+ UTC</,
  );
});

Deno.test("errorAnswer escapes all that it shows in HTML, and carries no script", () => {
  const hostile = `<script>alert("1")</script>&'`;
  const { text } = show(request(BROWSER), { status: 404, title: hostile, text: hostile });
  assert(!text.includes("<script"));
  assertStringIncludes(
    text,
    "<h1>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;</h1>",
  );
  assertStringIncludes(text, "<p>&lt;script&gt;");
});

Deno.test("errorAnswer may not be cached, sniffed or made to load anything", () => {
  const { answer: { fields }, text } = show(request(BROWSER));
  assertEquals(fieldValue(fields, "cache-control"), "no-store");
  assertEquals(fieldValue(fields, "x-content-type-options"), "nosniff");
  assertEquals(
    fieldValue(fields, "content-security-policy"),
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
  );
  assertMatch(text, /color-scheme:light dark/);
});

Deno.test("errorAnswer has an exact length in bytes, and for HEAD no body", () => {
  const page = { title: "Ünknown", text: "é😀" };
  const { answer: got } = show(request(BROWSER), page);
  const length = fieldValue(got.fields, "content-length");
  assertEquals(String(got.body?.length), length);
  const { answer: head } = show(request(BROWSER, "HEAD"), page);
  assertEquals(head.body, null);
  assertEquals(fieldValue(head.fields, "content-length"), length);
});

Deno.test("errorAnswer adds the fields it is given", () => {
  const { answer: { fields } } = show(request(), {
    fields: [["upgrade", "websocket"], ["x", "1"]],
  });
  assertEquals([fieldValue(fields, "upgrade"), fieldValue(fields, "x")], ["websocket", "1"]);
});

Deno.test("Each error page has its status and its code, and says what it is about", () => {
  const malformed = {
    code: "request",
    status: 400,
    reason: "the Host field is malformed",
  } as const;
  const strange = { code: "page", status: 404, reason: "no such host here" } as const;
  const full = { code: "streams", reason: "too many requests at once" } as const;
  const pages: [WholeAnswer, number, AnswerCode, string][] = [
    [unknownTunnel(request(), "abc.example"), 404, "unknown", "no tunnel at abc.example"],
    [
      clientAway(request(), "abc.example", { isAwaited: true }),
      502,
      "away",
      "client of abc.example is not connected",
    ],
    [
      originFailed(request(), { code: "cut", title: "Title", text: "Text.", owner: "Owner." }),
      502,
      "cut",
      "502 Title\n\nText.\nOwner.\n",
    ],
    [originTooSlow(request(), 30_000), 504, "timeout", "within 30 seconds"],
    [refusalAnswer(request(), malformed), 400, "request", "The Host field is malformed."],
    [methodNotAllowed(request(undefined, "POST"), ["GET", "HEAD"]), 405, "request", "method POST"],
    [tooBusy(request(), full), 503, "streams", "Too many requests at once."],
    [
      refusalAnswer(request(), strange),
      404,
      "page",
      "404 There is no such page here\n\nNo such host here.\n",
    ],
  ];
  for (const [answer, status, code, words] of pages) {
    assertEquals([answer.status, answer.code], [status, code]);
    assertStringIncludes(textOf(answer), words);
  }
});

Deno.test("methodNotAllowed names the methods, and tooBusy when to try again", () => {
  const notAllowed = methodNotAllowed(request(), ["GET", "HEAD"]);
  const full = { code: "streams", reason: "busy" } as const;
  const busy = tooBusy(request(), full);
  assertEquals(fieldValue(notAllowed.fields, "allow"), "GET, HEAD");
  assertEquals(fieldValue(busy.fields, "retry-after"), "1");
});
