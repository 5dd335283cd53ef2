import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { MessageHead } from "../testing/message_head.ts";
import type { ScriptedExchange } from "../testing/scripted_exchange.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { startServer, startTunnel, type Tunnel, type VisitorRequest } from "../testing/tunnel.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Deno.test("X-Forwarded-* and Forwarded say who asked, and a visitor's own count only behind --trust-proxy", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  const claims = [
    ["X-Forwarded-For", "203.0.113.7"],
    ["X-Forwarded-Proto", "https"],
    ["X-Forwarded-Host", "shop.example"],
    ["Forwarded", "for=203.0.113.7;proto=https;host=shop.example"],
    ["X-Real-IP", "203.0.113.7"],
    ["X_Forwarded_For", "203.0.113.7"],
    ["X-Forwarded", "203.0.113.7"],
    ["X-Forwarded-User", "root-203.0.113.7"],
    ["x_forwarded-prefix", "/shop.example"],
    ["X-Forwarded-Anything", "shop.example"],
    ["X-Original-URL", "/shop.example"],
    ["X_Rewrite_URL", "/shop.example"],
    ["Front-End-Https", "shop.example"],
    ["True-Client-IP", "203.0.113.7"],
    ["CF-Connecting-IP", "203.0.113.7"],
  ] as const;

  await t.step("without it the visitor's address, scheme and host stand alone", async () => {
    await using tunnel = await startTunnel({ origin });
    for (const fields of [[], claims]) {
      const head = await seen(origin, tunnel, fields);
      assertEquals(head.all("x-forwarded-for"), ["127.0.0.1"]);
      assertEquals(head.all("x-forwarded-proto"), ["http"]);
      assertEquals(head.all("x-forwarded-host"), [tunnel.host]);
      const [forwarded = ""] = head.all("forwarded");
      assertMatch(forwarded, /^for="?127\.0\.0\.1"?;/);
      assertStringIncludes(forwarded, `host="${tunnel.host}"`);
      assertMatch(forwarded, /proto=http(;|$)/);
      assertEquals(head.text.includes("203.0.113.7"), false);
      assertEquals(head.text.includes("shop.example"), false);
    }
  });

  await t.step("behind it the proxy's address is added to what it said", async () => {
    await using tunnel = await startTunnel({ origin, serverArgs: ["--trust-proxy", "127.0.0.1"] });
    const head = await seen(origin, tunnel, claims);
    assertEquals(head.get("x-forwarded-for"), "203.0.113.7, 127.0.0.1");
    assertEquals(head.get("x-forwarded-proto"), "https");
    assertEquals(head.get("x-forwarded-host"), "shop.example");
    assertMatch(head.get("forwarded") ?? "", /^for=203\.0\.113\.7;.*, for="?127\.0\.0\.1"?/);
    assertEquals(head.all("x-forwarded-user"), ["root-203.0.113.7"]);
    assertEquals(head.all("x-original-url"), ["/shop.example"]);
    assertEquals(head.text.includes("_"), false);
  });

  await t.step("which is said of other addresses changes nothing", async () => {
    await using tunnel = await startTunnel({ origin, serverArgs: ["--trust-proxy", "192.0.2.1"] });
    const head = await seen(origin, tunnel, claims);
    assertEquals(head.get("x-forwarded-for"), "127.0.0.1");
    assertEquals(head.get("x-forwarded-proto"), "http");
  });
});

Deno.test("X-Forwarded-Proto is what the listener speaks, whatever scheme the request's target names", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  const { head } = await asked(origin, tunnel, `https://${tunnel.host}/`);
  assertEquals(head.all("x-forwarded-proto"), ["http"]);
  assertStringIncludes(head.get("forwarded") ?? "", "proto=http");
  assertEquals(head.get("forwarded")?.includes("https"), false);
});

Deno.test("Host stays what the visitor typed unless --host-header says otherwise", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await startServer();
  const hostWith = async (clientArgs: readonly string[]) => {
    await using tunnel = await startTunnel({ origin, server, clientArgs });
    const head = await seen(origin, tunnel);
    assertEquals(head.get("x-forwarded-host"), tunnel.host);
    return { asked: tunnel.host, got: head.all("host") };
  };

  await t.step("kept", async () => {
    const { asked, got } = await hostWith([]);
    assertEquals(got, [asked]);
  });
  await t.step("rewrite: the origin's own", async () => {
    assertEquals((await hostWith(["--host-header", "rewrite"])).got, [`127.0.0.1:${origin.port}`]);
  });
  await t.step("a literal one", async () => {
    assertEquals((await hostWith(["--host-header", "shop.internal"])).got, ["shop.internal"]);
  });
});

/** Sends a request and gives the head that the origin got. */
async function seen(
  origin: ScriptedOrigin,
  tunnel: Tunnel,
  fields: NonNullable<VisitorRequest["fields"]> = [],
): Promise<MessageHead> {
  return (await asked(origin, tunnel, "/", fields)).head;
}

/** Sends a request with that target and gives what the origin got. */
async function asked(
  origin: ScriptedOrigin,
  tunnel: Tunnel,
  target: string,
  fields: NonNullable<VisitorRequest["fields"]> = [],
): Promise<ScriptedExchange> {
  assertEquals((await tunnel.request(target, { fields })).status, 200);
  return await origin.next();
}
