import { assertEquals, assertStringIncludes } from "@std/assert";
import { createServer } from "node:https";
import { CERTIFICATE, pathOf } from "../testing/certificate.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { startTunnel, type Tunnel } from "../testing/tunnel.ts";
import { WebSocketOrigin } from "../testing/websocket_origin.ts";
import { visitWebSocket } from "../testing/websocket_visit.ts";
import { within } from "../testing/within.ts";
import { authorization } from "../testing/password.ts";

const RIGHT = authorization("ann:secret");

Deno.test("Visitors go to the destinations that the owner allows, and nowhere else", async (t) => {
  await using service = ScriptedOrigin.answering(
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine",
  );
  await using api = ScriptedOrigin.start(async (exchange) => {
    const answer = exchange.target.startsWith("/api/away")
      ? `HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:${service.port}/\r\nContent-Length: 0\r\n\r\n`
      : "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\napi";
    await exchange.answer(answer);
  });
  await using sockets = await WebSocketOrigin.start();
  const secure = createServer({
    cert: await Deno.readTextFile(pathOf("signed.pem")),
    key: await Deno.readTextFile(CERTIFICATE.keyFile),
  }, (request, response) => response.end(`${request.headers.host} ${request.url}`));
  const { promise: listening, resolve } = Promise.withResolvers<void>();
  secure.listen(0, "127.0.0.1", resolve);
  await listening;
  const place = secure.address();
  const securePort = typeof place === "object" ? place?.port : undefined;
  await using tunnel = await startTunnel({
    origin: service,
    clientArgs: [
      ...["--basic-auth", "ann:secret", "--origin-ca", pathOf("authority.pem")],
      ...["--allow-destination", `http://127.0.0.1:${api.port}/api/*`],
      ...["--allow-destination", `https://localhost:${securePort}/*`],
      ...["--allow-destination", `https://other.localhost:${securePort}/*`],
      ...["--allow-destination", `http://127.0.0.1:${sockets.port}`],
      ...["--allow-destination", "http://*:*", "--deny-destination", `*://*:*/api/secret*`],
    ],
  });
  const ask = (tunnel: Tunnel, url: string) =>
    tunnel.request("/own", { fields: [RIGHT, ["X-Proxy-Destination", url]] });

  await t.step("over HTTP, by the target and the Host of the destination", async () => {
    const url = `http://127.0.0.1:${api.port}/api/items?a=b`;
    const response = await ask(tunnel, url);
    assertEquals([response.status, response.text], [200, "api"]);
    const { head, target } = await api.next();
    assertEquals([target, head.get("host")], ["/api/items?a=b", `127.0.0.1:${api.port}`]);
    assertEquals([head.has("x-proxy-destination"), head.has("authorization")], [false, false]);
  });
  await t.step("over TLS, verified for the name", async () => {
    const { status, text } = await ask(tunnel, `https://localhost:${securePort}/a?b`);
    assertEquals([status, text], [200, `localhost:${securePort} /a?b`]);
    // Its certificate is not for this one.
    assertEquals((await ask(tunnel, `https://other.localhost:${securePort}/`)).status, 502);
    const told = tunnel.client.stderr.find(/warning: .*not for other\.localhost/);
    await within(told, "the owner to be told");
  });
  await t.step("by a WebSocket", async () => {
    const url = `http://127.0.0.1:${sockets.port}/live`;
    using visitor = await visitWebSocket(tunnel, "/own", {
      headers: { "x-proxy-destination": url, [RIGHT[0]]: RIGHT[1] },
    });
    const { peer, request } = await sockets.next();
    assertEquals([request.url, request.headers.host], ["/live", `127.0.0.1:${sockets.port}`]);
    peer.send("news");
    assertEquals(await visitor.next(), "news");
    visitor.close();
    await peer.closed;
  });
  await t.step("a redirect is the visitor's to follow, which is looked at anew", async () => {
    const { status, head } = await ask(tunnel, `http://127.0.0.1:${api.port}/api/away`);
    const away = `http://127.0.0.1:${service.port}/`;
    assertEquals([status, head.get("location")], [302, away]);
    assertEquals((await ask(tunnel, away)).status, 403);
  });
  await t.step("to no other path, port, name or spelling", async () => {
    const asked = api.requestCount;
    const wrong = [
      ...[`http://127.0.0.1:${api.port}/`, `http://127.0.0.1:${api.port}/api/../other`],
      ...[`http://127.0.0.1:${api.port}/api/%73ecret`, `http://localhost:${api.port}/api/x`],
      ...[`http://127.0.0.2:${api.port}/api/x`, `http://[::ffff:127.0.0.1]:${service.port}/api/x`],
      ...[`http://0.0.0.0:${api.port}/api/x`, `http://[::1]:${api.port}/api/x`],
      ...["http://169.254.169.254/latest/meta-data/", `http://any.localhost:${api.port}/api/x`],
    ];
    for (const url of wrong) assertEquals((await ask(tunnel, url)).status, 403, url);
    for (const url of [`http://2130706433:${api.port}/api/x`, "file:///etc/passwd"]) {
      assertEquals((await ask(tunnel, url)).status, 400, url);
    }
    assertEquals([api.requestCount, service.requestCount], [asked, 0]);
  });
  await t.step("and to the service where they name none", async () => {
    assertEquals((await tunnel.request("/", { fields: [RIGHT] })).text, "mine");
  });
  secure.closeAllConnections();
  await new Promise((closed) => secure.close(closed));
});

Deno.test("Destinations that everybody may go to are a loud warning; without any the field is one like others", async () => {
  await using service = ScriptedOrigin.start(async (exchange) => {
    const named = exchange.head.get("x-proxy-destination") ?? "";
    await exchange.answer(`HTTP/1.1 200 OK\r\nContent-Length: ${named.length}\r\n\r\n${named}`);
  });
  const url = "http://127.0.0.1:1/";
  await using plain = await startTunnel({ origin: service });
  const fields = [["X-Proxy-Destination", url]] as const;
  assertEquals((await plain.request("/", { fields })).text, url);
  await using open = await startTunnel({
    origin: service,
    server: plain.server,
    clientArgs: ["--label=open", "--allow-destination", "http://127.0.0.1:1/other"],
  });
  const line = await within(open.client.stderr.find(/warning: EVERYBODY.*/), "the warning");
  assertStringIncludes(line?.[0] ?? "", "--basic-auth or --allow-ip");
  assertEquals((await open.request("/", { fields })).status, 403);
});
