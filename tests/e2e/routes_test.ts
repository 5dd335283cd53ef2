import { assertEquals } from "@std/assert";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { startTunnel } from "../testing/tunnel.ts";
import { WebSocketOrigin } from "../testing/websocket_origin.ts";
import { visitWebSocket } from "../testing/websocket_visit.ts";
import { within } from "../testing/within.ts";

Deno.test("A site in a folder, an API and its WebSockets are published under one URL", async (t) => {
  await using folder = await TempDir.make();
  await Deno.writeTextFile(`${folder.path}/index.html`, "the page");
  await using api = ScriptedOrigin.start(async (exchange) => {
    const body = `${exchange.target} ${exchange.head.get("x-forwarded-prefix")}`;
    await exchange.answer(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  });
  await using sockets = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({
    origin: folder.path,
    clientArgs: [
      ...["--route", `/api=127.0.0.1:${api.port}`, "--route", `/live=127.0.0.1:${sockets.port}`],
      ...["--route", "/old=status:410", "--strip", "--spa"],
    ],
  });
  await t.step("the page, also for paths that no file has", async () => {
    for (const target of ["/", "/orders"]) {
      assertEquals((await tunnel.request(target)).text, "the page");
    }
  });
  await t.step("the API, which finds its prefix in a field", async () => {
    assertEquals((await tunnel.request("/api/items?a=b")).text, "/items?a=b /api");
  });
  await t.step("a WebSocket", async () => {
    using visitor = await visitWebSocket(tunnel, "/live/feed?a");
    const { peer, request } = await sockets.next();
    assertEquals([request.url, request.headers["x-forwarded-prefix"]], ["/feed?a", "/live"]);
    peer.send("news");
    assertEquals(await visitor.next(), "news");
    visitor.close();
    await peer.closed;
  });
  await t.step("a rule", async () => {
    assertEquals((await tunnel.request("/old/page")).status, 410);
  });
  await t.step("by names that the owner knows", async () => {
    await within(tunnel.client.stderr.find(/serving \/api → http:.*, \/ → \//), "the names");
  });
});

Deno.test("A service behind a route that is away is a 502, and is told by its address", async () => {
  await using origin = ScriptedOrigin.answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  await using tunnel = await startTunnel({
    origin: "status:204",
    clientArgs: ["--route", `/api=127.0.0.1:${origin.port}`, "--route", "/down=127.0.0.1:1"],
  });
  assertEquals((await tunnel.request("/api")).text, "ok");
  assertEquals((await tunnel.request("/")).status, 204);
  assertEquals((await tunnel.request("/down/x")).status, 502);
  await within(
    tunnel.client.stderr.find(/127\.0\.0\.1:1 does not answer|nothing listens at 127\.0\.0\.1:1 /),
    "the news",
  );
});
