import { assertEquals } from "@std/assert";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { startTunnel } from "../testing/tunnel.ts";
import { WebSocketOrigin } from "../testing/websocket_origin.ts";
import { visitWebSocket } from "../testing/websocket_visit.ts";

const APP = "https://app.example";

Deno.test("An owner's rules change the fields of requests and answers", async (t) => {
  await using api = ScriptedOrigin.start(async (exchange) => {
    await exchange.body.forEach(() => {});
    const fields = ["x-env", "x-asked", "cookie"].map((name) => exchange.head.get(name));
    const body = JSON.stringify([...fields, exchange.received.split("\r\n\r\n")[1]]);
    await exchange.answer(
      "HTTP/1.1 200 OK\r\nServer: secret\r\nX-Frame-Options: DENY\r\nSet-Cookie: a=1\r\n" +
        `Set-Cookie: b=2\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  });
  await using sockets = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({
    origin: api,
    clientArgs: [
      ...["--route", `/live=127.0.0.1:${sockets.port}`],
      ...["--set-request-header", "X-Env: dev", "--set-request-header", "X-Asked: {visitor}{path}"],
      ...["--remove-request-header", "cookie"],
      ...["--set-response-header", "X-Frame-Options: SAMEORIGIN"],
      ...["--remove-response-header", "Server", "--cors", APP],
    ],
  });
  await t.step(
    "the service gets what is set, and not what is removed; the body stays",
    async () => {
      const { head, text } = await tunnel.request("/page?a=b", {
        method: "POST",
        fields: [["X-Env", "prod"], ["Cookie", "session=1"], ["X-Other", "kept"]],
        body: "content",
      });
      assertEquals(JSON.parse(text), ["dev", "127.0.0.1/page?a=b", null, "content"]);
      assertEquals([head.get("server"), head.get("x-frame-options")], [null, "SAMEORIGIN"]);
      assertEquals(head.all("set-cookie"), ["a=1", "b=2"]);
    },
  );
  await t.step("a page of the allowed site may ask and read, after a preflight", async () => {
    const before = api.requestCount;
    const preflight = await tunnel.request("/page", {
      method: "OPTIONS",
      fields: [["Origin", APP], ["Access-Control-Request-Method", "PUT"]],
    });
    assertEquals(preflight.status, 204);
    assertEquals(preflight.head.get("access-control-allow-methods"), "PUT");
    assertEquals(api.requestCount, before);
    const { head } = await tunnel.request("/page", { fields: [["Origin", APP]] });
    assertEquals(head.get("access-control-allow-origin"), APP);
  });
  await t.step("a page of another site may not", async () => {
    const { head } = await tunnel.request("/", { fields: [["Origin", "https://evil.example"]] });
    assertEquals(head.get("access-control-allow-origin"), null);
  });
  await t.step("a WebSocket has the same rules", async () => {
    using visitor = await visitWebSocket(tunnel, "/live");
    const { peer, request } = await sockets.next();
    assertEquals(request.headers["x-env"], "dev");
    peer.send("news");
    assertEquals(await visitor.next(), "news");
    visitor.close();
    await peer.closed;
  });
});
