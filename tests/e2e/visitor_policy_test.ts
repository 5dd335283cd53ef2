import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { OPEN_POLICY } from "../../lib/identity/visitor_policy.ts";
import { FrameFlag, FrameType } from "../../lib/wire/frame.ts";
import { newSigningKey } from "../testing/ed25519.ts";
import { authorization, passwordHash } from "../testing/password.ts";
import { scrape } from "../testing/prometheus.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { Subscriber } from "../testing/subscriber.ts";
import { startServer, startTunnel, type Tunnel } from "../testing/tunnel.ts";
import { WebSocketOrigin } from "../testing/websocket_origin.ts";
import { echo, visitWebSocket } from "../testing/websocket_visit.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

const RIGHT = authorization("ann:correct horse");

Deno.test("--basic-auth: visitors need user and password, and the origin sees neither", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({
    origin,
    clientArgs: ["--basic-auth", "ann:correct horse"],
  });

  await t.step("who says nothing is asked (RFC 7617)", async () => {
    const { status, head, text } = await tunnel.request("/");
    assertEquals(status, 401);
    assertEquals(head.get("www-authenticate"), 'Basic realm="tunnel", charset="UTF-8"');
    assertStringIncludes(text, "password");
  });
  await t.step("a wrong password, a wrong user and another scheme are refused", async () => {
    for (const wrong of ["ann:wrong", "bob:correct horse", "ann:", "ann:correct horse "]) {
      const { status } = await tunnel.request("/", { fields: [authorization(wrong)] });
      assertEquals(status, 401, wrong);
    }
    const fields = [["Authorization", "Bearer x"]] as const;
    assertEquals((await tunnel.request("/", { fields })).status, 401);
  });
  await t.step("a CORS preflight, which never has credentials, is refused too", async () => {
    const fields = [["Origin", "http://a.test"], ["Access-Control-Request-Method", "PUT"]] as const;
    assertEquals((await tunnel.request("/", { method: "OPTIONS", fields })).status, 401);
  });
  await t.step("HEAD is refused without a body", async () => {
    const { status, body } = await tunnel.request("/", { method: "HEAD" });
    assertEquals([status, body.length], [401, 0]);
  });
  await t.step("nothing of that reached the origin", () => assertEquals(origin.requestCount, 0));
  await t.step("who knows both is let in, and the password ends at the server", async () => {
    const fields = [RIGHT, ["X-Other", "kept"]] as const;
    const response = tunnel.request("/page?q=1", { method: "POST", fields, body: "content" });
    const { head, target, received } = await origin.next();
    assertEquals((await response).text, "ok");
    assertEquals([target, head.get("x-other")], ["/page?q=1", "kept"]);
    assertFalse(head.has("authorization"));
    assert(received.endsWith("\r\n\r\ncontent"), received);
  });
  await t.step("neither program writes the password into its log", () => {
    for (const program of [tunnel.server, tunnel.client]) {
      assertFalse(`${program.stdout}${program.stderr}`.includes("correct horse"));
    }
  });
  await t.step("refusals are counted", async () => {
    const limited = { reason: "auth" };
    assertEquals((await scrape(tunnel.server)).value("tunnel_requests_limited_total", limited), 8);
  });
});

Deno.test("--basic-auth: many first requests with the right password at once are all let in", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({
    origin,
    clientArgs: ["--basic-auth", "ann:correct horse"],
  });
  const all = Array.from({ length: 40 }, () => tunnel.request("/", { fields: [RIGHT] }));
  const statuses = (await Promise.all(all)).map(({ status }) => status);
  assertEquals(new Set(statuses), new Set([200]));
});

Deno.test("--basic-auth: a client that leaves while a password is checked gets the request when it is back", async () => {
  await using server = await startServer();
  const key = await newSigningKey();
  const policy = { ...OPEN_POLICY, basicAuth: [await passwordHash("ann", "correct horse")] };
  using client = await Subscriber.connect(server);
  const { hostnames } = await client.answer(await client.claim(key, { policy }));
  assert(Array.isArray(hostnames));
  using visitors = new DisposableStack();
  const ask = async (credentials: string): Promise<RawHTTP> => {
    const visitor = visitors.use(await RawHTTP.open(Number(server.url.port)));
    const [name, value] = authorization(credentials);
    await visitor.send(`GET / HTTP/1.1\r\nHost: ${hostnames[0]}\r\n${name}: ${value}\r\n\r\n`);
    return visitor;
  };
  const statusOf = async (visitor: RawHTTP) => (await visitor.receive()).status;
  // One is checked after the other, which leaves some tenths of a second; the right one comes last.
  const guesses = await Promise.all(Array.from({ length: 7 }, (_, i) => ask(`ann:guess ${i}`)));
  const right = statusOf(await ask("ann:correct horse"));
  const others = guesses.map(statusOf);
  assertEquals(await Promise.race(others), 401);
  client[Symbol.dispose]();
  using fresh = await Subscriber.connect(server);
  await fresh.answer(await fresh.claim(key, { policy }));
  const { stream } = await fresh.frames.skipTo(FrameType.HTTPRequest);
  const payload = "204\r\n";
  fresh.frames.send(FrameType.HTTPResponse, { stream, flags: FrameFlag.EndStream, payload });
  assertEquals(await right, 204);
  assertEquals(new Set(await Promise.all(others)), new Set([401]));
});

Deno.test("--basic-auth: guessing is slowed down, and who is known does not notice", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({
    origin,
    clientArgs: ["--basic-auth", "ann:correct horse", "--connections", "1"],
  });
  assertEquals((await tunnel.request("/", { fields: [RIGHT] })).status, 200);
  const guesses = Array.from(
    { length: 60 },
    (_, i) => tunnel.request("/", { fields: [authorization(`ann:guess ${i}`)] }),
  );
  const known = Array.from({ length: 20 }, () => tunnel.request("/", { fields: [RIGHT] }));
  for (const { status } of await Promise.all(known)) assertEquals(status, 200);
  const refusals = await Promise.all(guesses);
  for (const { status, head } of refusals) {
    assert(status === 401 || status === 429, String(status));
    if (status === 429) assertEquals(head.get("retry-after"), "1");
  }
  assert(refusals.some(({ status }) => status === 429));
});

Deno.test("--basic-auth: WebSockets are behind it too", async () => {
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({
    origin,
    clientArgs: ["--basic-auth", "ann:correct horse"],
  });
  const refused = await assertRejects(() => visitWebSocket(tunnel), Error);
  assertStringIncludes(refused.message, "401");
  using visitor = await visitWebSocket(tunnel, "/", {
    headers: { authorization: RIGHT[1], host: tunnel.host },
  });
  const { peer, request } = await origin.next();
  assertEquals(request.headers.authorization, undefined);
  echo(peer);
  visitor.send("hello");
  assertEquals(await visitor.next(), "hello");
});

Deno.test("Without --basic-auth the Authorization field is the origin's own business", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  const response = tunnel.request("/", { fields: [["Authorization", "Bearer x"]] });
  assertEquals((await origin.next()).head.get("authorization"), "Bearer x");
  assertEquals((await response).status, 200);
});

Deno.test("--allow-ip: other visitors get 403, whatever they claim to be", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin, clientArgs: ["--allow-ip", "192.0.2.0/24"] });
  assertEquals((await tunnel.request("/")).status, 403);
  assertEquals(await visitFrom(tunnel, "192.0.2.7"), 403);
  assertEquals(origin.requestCount, 0);
  const { status, text } = await tunnel.request("/");
  assertEquals(status, 403);
  assertStringIncludes(text, "address");
});

Deno.test("--allow-ip: an allowed visitor is let in, by address and by network", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await startServer();
  for (const allowed of ["127.0.0.1", "192.0.2.1,127.0.0.0/8", "::ffff:127.0.0.1"]) {
    await using tunnel = await startTunnel({ origin, server, clientArgs: ["--allow-ip", allowed] });
    assertEquals((await tunnel.request("/")).status, 200, allowed);
  }
});

Deno.test("--allow-ip: behind a trusted proxy it is the visitor's address that counts", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({
    origin,
    serverArgs: ["--trust-proxy", "loopback"],
    clientArgs: ["--allow-ip", "192.0.2.0/24,2001:db8::/32"],
  });
  for (
    const [address, status] of Object.entries({
      "192.0.2.7": 200,
      "::ffff:192.0.2.7": 200,
      "[2001:db8::1]": 200,
      "198.51.100.1": 403,
      "2001:db9::1": 403,
      // Only what the proxy itself has added is true.
      "192.0.2.7, 198.51.100.1": 403,
      "198.51.100.1, 192.0.2.7": 200,
    })
  ) assertEquals(await visitFrom(tunnel, address), status, address);
  // The proxy itself, or something else on its machine.
  assertEquals((await tunnel.request("/")).status, 403);
});

Deno.test("Addresses that are not allowed use up nothing of the rate, wrong passwords do", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({
    origin,
    serverArgs: ["--trust-proxy", "loopback", "--rate-limit", "3/h"],
    clientArgs: ["--allow-ip", "192.0.2.1", "--basic-auth", "ann:correct horse"],
  });
  for (let i = 0; i < 10; i++) assertEquals(await visitFrom(tunnel, "192.0.2.2"), 403);
  assertEquals(await visitFrom(tunnel, "192.0.2.1", "ann:wrong"), 401);
  assertEquals(await visitFrom(tunnel, "192.0.2.1"), 401);
  assertEquals(await visitFrom(tunnel, "192.0.2.1", "ann:correct horse"), 200);
  assertEquals(await visitFrom(tunnel, "192.0.2.1", "ann:correct horse"), 429);
});

/** Asks as a proxy does for a visitor, and returns the status. */
async function visitFrom(tunnel: Tunnel, address: string, credentials?: string): Promise<number> {
  const own = credentials === undefined ? [] : [authorization(credentials)];
  const fields = [["X-Forwarded-For", address] as const, ...own];
  return (await tunnel.request("/", { fields })).status;
}
