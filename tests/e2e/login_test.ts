import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { scrape } from "../testing/prometheus.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { startTunnel } from "../testing/tunnel.ts";
import { WebSocketOrigin } from "../testing/websocket_origin.ts";
import { visitWebSocket } from "../testing/websocket_visit.ts";
import type { RawField } from "../testing/message_head.ts";

const HTML: RawField = ["Accept", "text/html"];
const FORM: RawField = ["Content-Type", "application/x-www-form-urlencoded"];

Deno.test("--login: a browser logs in on a page, and is known by its cookie from then on", async (t) => {
  await using origin = ScriptedOrigin.start(async (exchange) => {
    const seen = ["cookie", "authorization"].map((name) => exchange.head.get(name));
    const body = JSON.stringify([exchange.target, ...seen]);
    await exchange.answer(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  });
  await using sockets = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({
    origin,
    clientArgs: [
      ...["--basic-auth", "ann:one", "--basic-auth", "bob:two", "--login"],
      ...["--route", `/live=127.0.0.1:${sockets.port}`],
    ],
  });
  let cookie: RawField = ["Cookie", ""];
  await t.step("the page has a form, for where the visitor wanted to go", async () => {
    const { status, head, text } = await tunnel.request("/orders?a=b", { fields: [HTML] });
    assertEquals(status, 401);
    assertStringIncludes(text, '<form method="post" action="/.tunnel/login">');
    assertStringIncludes(text, '<input type="hidden" name="to" value="/orders?a=b">');
    assertStringIncludes(head.get("content-security-policy") ?? "", "form-action 'self'");
    assertFalse(head.get("www-authenticate")?.includes("Basic") ?? true);
  });
  await t.step("a wrong password is the page again", async () => {
    const body = "user=ann&password=two&to=%2Forders";
    const fields = [HTML, FORM];
    const { status, text } = await tunnel.request("/.tunnel/login", {
      method: "POST",
      fields,
      body,
    });
    assertEquals(status, 401);
    assertStringIncludes(text, "do not go together");
  });
  await t.step(
    "the right one gives a cookie, and leads to where the visitor wanted to go",
    async () => {
      const body = "user=bob&password=two&to=%2Forders%3Fa%3Db";
      const { status, head } = await tunnel.request("/.tunnel/login", {
        method: "POST",
        fields: [FORM, ["Origin", `http://${tunnel.host}`]],
        body,
      });
      assertEquals([status, head.get("location")], [303, "/orders?a=b"]);
      const [value = ""] = head.get("set-cookie")?.split(";") ?? [];
      cookie = ["Cookie", `theme=dark; ${value}`];
      assertEquals(origin.requestCount, 0);
    },
  );
  await t.step("which lets the visitor in, and which the service does not see", async () => {
    const token: RawField = ["Authorization", "Bearer of the page"];
    const { text } = await tunnel.request("/orders?a=b", { fields: [cookie, token] });
    assertEquals(JSON.parse(text), ["/orders?a=b", "theme=dark", "Bearer of the page"]);
  });
  await t.step("by a WebSocket as well", async () => {
    const headers = { cookie: cookie[1] };
    using visitor = await visitWebSocket(tunnel, "/live", { headers });
    const { peer, request } = await sockets.next();
    assertEquals(request.headers.cookie, "theme=dark");
    visitor.close();
    await peer.closed;
  });
  await t.step("programs present a password, and CORS preflights nothing", async () => {
    const fields = [["Authorization", `Basic ${btoa("ann:one")}`]] as const;
    assertEquals(JSON.parse((await tunnel.request("/", { fields })).text), ["/", null, null]);
    const preflight = await tunnel.request("/", {
      method: "OPTIONS",
      fields: [["Origin", "http://a.test"], ["Access-Control-Request-Method", "PUT"]],
    });
    assertEquals(preflight.status, 200);
    assertEquals((await tunnel.request("/", { method: "OPTIONS" })).status, 401);
  });
  await t.step("a form of another site's page is refused", async () => {
    const fields = [FORM, ["Origin", "https://evil.example"]] as const;
    const body = "user=ann&password=one";
    const post = tunnel.request("/.tunnel/login", { method: "POST", fields, body });
    assertEquals((await post).status, 403);
  });
  await t.step("of these the refused ones are counted, and no password is in a log", async () => {
    const metrics = await scrape(tunnel.server);
    assertEquals(metrics.value("tunnel_requests_limited_total", { reason: "auth" }), 4);
    const output = `${tunnel.server.stderr}${tunnel.client.stderr}`;
    assert(!output.includes("password=") && !output.includes("two&"), output);
  });
});
