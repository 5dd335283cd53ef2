import { assert, assertEquals } from "@std/assert";
import type { ScriptedExchange } from "../testing/scripted_exchange.ts";
import { LISTENER } from "../testing/program.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { startTunnel, type Tunnel, type VisitorRequest } from "../testing/tunnel.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** What the tunnel itself tells an origin; the last two are a matter of the hop and of RFC 9110 section 7.6.3. */
const TOLD = ["forwarded", "host", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];
const MAY_BE_TOLD = new Set(["connection", "via"]);

/** What the server's own hop adds to an answer; Date is a duty (RFC 9110 section 6.6.1). */
const MAY_BE_ADDED = new Set(["connection", "date", "transfer-encoding", "vary"]);

/** Sends a request and gives what the origin got of it. */
async function seen(
  { origin, tunnel }: { origin: ScriptedOrigin; tunnel: Tunnel },
  target: string,
  request?: VisitorRequest,
): Promise<ScriptedExchange> {
  const { status, text } = await tunnel.request(target, request);
  assertEquals(status, 200, text);
  return await origin.next();
}

Deno.test("a request line reaches the origin byte for byte", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });

  for (
    const target of [
      "/",
      "//x//y/",
      "/a/../b/./c/..",
      "/%2e%2e/%2F%00%zz",
      "/a;b=c;d,e",
      "/'{}|\"<>^`\\",
      "/?",
      "/a?b=http://c/d?e&f=%20+g",
      "/caf\xc3\xa9/\xf0\x9f\x98\x80?\xc3\xbc",
      `/${"long".repeat(8_000)}`,
    ]
  ) {
    await t.step(`target ${target.slice(0, 40)}`, async () => {
      const { head } = await seen({ origin, tunnel }, target);
      assertEquals(head.startLine, `GET ${target} HTTP/1.1`);
    });
  }

  await t.step("an absolute-form target of the same host becomes origin-form", async () => {
    const { head } = await seen({ origin, tunnel }, `http://${tunnel.host}//x/../y?z`);
    assertEquals(head.startLine, "GET //x/../y?z HTTP/1.1");
  });
});

Deno.test("Any method reaches the origin as it was written", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });

  for (const method of ["DELETE", "OPTIONS", "PROPFIND", "M-SEARCH", "FOO-BAR", "get", "Patch"]) {
    await t.step(`${method} without a body`, async () => {
      const { head, body } = await seen({ origin, tunnel }, "/x", { method });
      assertEquals(head.startLine, `${method} /x HTTP/1.1`);
      assertEquals(body.framing, 0);
    });
  }
  for (const method of ["PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "QUERY", "post"]) {
    await t.step(`${method} with a body`, async () => {
      const exchange = await seen({ origin, tunnel }, "/x", { method, body: "body" });
      assertEquals(exchange.head.startLine, `${method} /x HTTP/1.1`);
      assertEquals(exchange.received.slice(-4), "body");
      assertEquals(exchange.head.all("content-length"), ["4"]);
    });
  }
});

Deno.test("Request fields arrive complete, in order and with nothing invented", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  const ask = (fields: VisitorRequest["fields"] = []) =>
    seen({ origin, tunnel }, "/", { fields }).then(({ head }) => head);

  await t.step("a bare request stays bare: no accept, accept-encoding or user-agent", async () => {
    const names = (await ask()).names().filter((name) => !MAY_BE_TOLD.has(name));
    assertEquals(names, TOLD);
  });

  await t.step("nor does a POST get a content-type", async () => {
    const { head } = await seen({ origin, tunnel }, "/", { method: "POST", body: "x" });
    const names = head.names().filter((name) => !MAY_BE_TOLD.has(name));
    assertEquals(names, ["content-length", ...TOLD]);
  });

  await t.step("repeated fields keep their order among each other", async () => {
    const head = await ask([["X-A", "1"], ["X-B", "2"], ["x-a", "3, 4"], ["X-A", "5"]]);
    assertEquals(head.get("x-a"), "1, 3, 4, 5");
    assertEquals(head.get("x-b"), "2");
  });

  await t.step("cookies of several fields stay cookies (RFC 6265 section 5.4)", async () => {
    const head = await ask([["Cookie", "a=1"], ["Cookie", "b=2; c=3"]]);
    assertEquals(head.all("cookie").join("; "), "a=1; b=2; c=3");
  });

  await t.step("values keep Latin-1, UTF-8, tabs, inner blanks and emptiness", async () => {
    const values = { latin: "caf\xe9 \xff\xa0", utf8: "\xe2\x82\xac", tab: "a\tb   c", empty: "" };
    const fields = Object.entries(values).map(([name, value]) => [`x-${name}`, value] as const);
    const head = await ask(fields);
    for (const [name, value] of fields) assertEquals(head.all(name), [value], name);
  });

  await t.step("a hundred fields and thirty kilobytes in one are no problem", async () => {
    const many = Array.from({ length: 100 }, (_, i) => [`x-${i}`, `${i}`] as const);
    const head = await ask([...many, ["x-long", "y".repeat(30_000)]]);
    for (const [name, value] of many) assertEquals(head.all(name), [value]);
    assertEquals(head.get("x-long")?.length, 30_000);
  });

  await t.step("fields of one hop and those that Connection names are dropped", async () => {
    const head = await ask([
      ["X-Before", "dropped"],
      ["Connection", "keep-alive, X-Before"],
      ["Connection", "x-after"],
      ["X-After", "dropped"],
      ["Keep-Alive", "timeout=5"],
      ["Proxy-Connection", "keep-alive"],
      ["Proxy-Authorization", "Basic eDp5"],
      ["TE", "trailers"],
      ["Trailer", "X-Sum"],
      ["Upgrade", "h2c"],
      ["X-Kept", "kept"],
      ["Authorization", "Basic eDp5"],
    ]);
    const names = head.names().filter((name) => !MAY_BE_TOLD.has(name));
    // A listener that can send trailers tells the origin that they are welcome, in a field of the client's own hop.
    const told = LISTENER === "own" ? ["te"] : [];
    assertEquals(names, ["authorization", ...TOLD, ...told, "x-kept"].toSorted());
    assertEquals(head.get("te"), LISTENER === "own" ? "trailers" : null);
    assertEquals(/x-|upgrade/i.test(head.get("connection") ?? ""), false);
  });

  await t.step("Connection cannot take away what the tunnel itself says", async () => {
    const head = await ask([["Connection", "X-Forwarded-For, Host, Forwarded"]]);
    assertEquals(head.get("x-forwarded-for"), "127.0.0.1");
    assertEquals(head.get("host"), tunnel.host);
    assert(head.has("forwarded"));
  });
});

Deno.test("Response fields arrive complete, in order and with nothing invented", async (t) => {
  let response = OK;
  await using origin = ScriptedOrigin.start((exchange) => exchange.answer(response));
  await using tunnel = await startTunnel({ origin });
  const respond = async (...lines: string[]) => {
    response = ["HTTP/1.1 200 OK", ...lines, "Content-Length: 2", "", "ok"].join("\r\n");
    const { status, head, text } = await tunnel.request("/");
    assertEquals([status, text], [200, "ok"]);
    return head;
  };

  await t.step("a bare answer stays bare: no content-type, server or etag", async () => {
    const head = await respond();
    const names = head.names().filter((name) => !MAY_BE_ADDED.has(name));
    assertEquals(names, ["content-length"]);
    assertEquals(head.has("vary"), false);
  });

  await t.step("several Set-Cookie stay apart (RFC 6265 section 3)", async () => {
    const cookies = ["a=1; Path=/", "b=2; Expires=Wed, 09 Jun 2100 10:18:14 GMT", "a=3", "d="];
    const head = await respond(...cookies.map((cookie) => `Set-Cookie: ${cookie}`), "X-Y: z");
    assertEquals(head.all("set-cookie"), cookies);
  });

  await t.step("repeated fields keep their order among each other", async () => {
    const head = await respond("Link: <1>", "X-B: 2", "link: <3>, <4>", "Link: <5>");
    assertEquals(head.get("link"), "<1>, <3>, <4>, <5>");
  });

  await t.step("values keep Latin-1, UTF-8, tabs, inner blanks and emptiness", async () => {
    const values = { latin: "caf\xe9 \xff\xa0", utf8: "\xe2\x82\xac", tab: "a\tb   c", empty: "" };
    const entries = Object.entries(values);
    const head = await respond(...entries.map(([name, value]) => `X-${name}: ${value}`));
    for (const [name, value] of entries) assertEquals(head.all(`x-${name}`), [value], name);
  });

  await t.step("the origin's Date and Server are kept", async () => {
    const date = "Sun, 06 Nov 1994 08:49:37 GMT";
    const head = await respond(`Date: ${date}`, "Server: origin/1.0");
    assertEquals(head.all("date"), [date]);
    assertEquals(head.all("server"), ["origin/1.0"]);
  });

  await t.step("fields of one hop and those that Connection names are dropped", async () => {
    const head = await respond(
      "X-Before: dropped",
      "Connection: keep-alive, X-Before, x-after",
      "X-After: dropped",
      "Keep-Alive: timeout=9",
      "Proxy-Authenticate: Basic",
      "Trailer: X-Sum",
      "Upgrade: h2c",
      "X-Kept: kept",
    );
    const names = head.names().filter((name) => !MAY_BE_ADDED.has(name));
    assertEquals(names, ["content-length", "x-kept"]);
    assertEquals(/x-|upgrade/i.test(head.get("connection") ?? ""), false);
  });

  for (const status of [201, 299, 302, 401, 418, 451, 500, 503, 599]) {
    await t.step(`status ${status}`, async () => {
      response = `HTTP/1.1 ${status} Whatever\r\nContent-Length: 2\r\n\r\nok`;
      const got = await tunnel.request("/");
      assertEquals([got.status, got.text], [status, "ok"]);
    });
  }
});
