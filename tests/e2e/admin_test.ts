import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { eventually } from "../testing/eventually.ts";
import type { Program } from "../testing/program.ts";
import { RawHTTP, type WholeResponse } from "../testing/raw_http.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { startServer, startTunnel } from "../testing/tunnel.ts";

const TOKEN = "0123456789abcdef";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Deno.test("/tunnels shows each tunnel with its connections, streams and bytes", async () => {
  await using origin = ScriptedOrigin.start();
  await using server = await startServer(["--admin-token", TOKEN]);
  const nobody = { node: null, total: 0, tunnels: [], next: null, nodes: [], isBusAway: false };
  assertEquals(await list(server), nobody);

  await using tunnel = await startTunnel({ origin, server, clientArgs: ["--connections", "3"] });
  await eventually("three connections", async () => (await only(server)).connections.length === 3);
  const response = tunnel.request("/", { method: "POST", body: "x".repeat(1000) });
  const exchange = await origin.next();
  const { id, hostnames, clients, streams, since, connections } = await only(server);
  assertEquals([id, hostnames], [tunnel.id, [tunnel.url.hostname]]);
  assertEquals([clients, streams], [1, 1]);
  assertMatch(String(since), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assertEquals(connections.map(({ address }) => address), Array(3).fill("127.0.0.1"));
  assertEquals(connections.map(({ streams }) => Number(streams)).sort(), [0, 0, 1]);
  await exchange.answer(OK);
  await response;

  const after = await only(server);
  assertEquals(after.streams, 0);
  const { received, sent } = after.bytes;
  assert(received > 0 && sent > 1000, `${received} bytes came, ${sent} went`);
});

Deno.test("/tunnels is read page by page", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await startServer(["--admin-token", TOKEN]);
  await using one = await startTunnel({ origin, server });
  await using two = await startTunnel({ origin, server });
  const [first = "", second = ""] = [one.id, two.id].sort();
  const page = async (query: string) => {
    const { tunnels, next } = await list(server, query);
    return [tunnels.map(({ id }) => id), next];
  };
  assertEquals(await page("?limit=1"), [[first], first]);
  assertEquals(await page(`?limit=1&after=${first}`), [[second], null]);
  assertEquals((await ask(server, `Bearer ${TOKEN}`, "/tunnels?limit=0")).status, 400);
});

Deno.test("/tunnels opens to the token alone, and is kept by no cache", async (t) => {
  await using server = await startServer(["--admin-token", TOKEN]);
  for (const authorization of [null, "Bearer", `Basic ${TOKEN}`, "Bearer wrong"]) {
    await t.step(String(authorization), async () => {
      const { status, head, text } = await ask(server, authorization);
      assertEquals([status, head.get("cache-control")], [401, "no-store"]);
      assertMatch(head.get("www-authenticate") ?? "", /^Bearer realm=/);
      assertNotMatch(text, /"tunnels"/);
    });
  }
  const { status, head } = await ask(server, `Bearer ${TOKEN}`);
  assertEquals([status, head.get("cache-control")], [200, "no-store"]);
  assertEquals(head.get("content-type"), "application/json");
  const post = await exchange(server, `POST /tunnels HTTP/1.1\r\nContent-Length: 0\r\n`);
  assertEquals(post.status, 405);
});

Deno.test("What a server counts and carries is not for the world to see", async (t) => {
  const world = ["--domain", "tunnel.example.test", "--open"];
  await t.step("nobody is shown it", async () => {
    await using server = await startServer(world);
    const { status, text } = await ask(server, null, "/metrics");
    assertEquals(status, 403);
    assertMatch(text, /--admin-token or --admin-port/);
    assertEquals((await ask(server, `Bearer ${TOKEN}`, "/metrics")).status, 403);
    assertEquals((await ask(server, null)).status, 404);
    assertEquals((await ask(server, null, "/healthz")).status, 200);
  });
  await t.step("but those with the token, and those who sit at the machine", async () => {
    await using server = await startServer([
      ...world,
      ...["--admin-token", TOKEN, "--admin-port", "0", "--log-format", "text"],
    ]);
    const statuses = async (path: string) => [
      (await ask(server, null, path)).status,
      (await ask(server, "Bearer wrong", path)).status,
      (await ask(server, `Bearer ${TOKEN}`, path)).status,
    ];
    assertEquals(await statuses("/metrics"), [401, 401, 200]);
    assertEquals(await statuses("/tunnels"), [401, 401, 200]);
    const line = await server.stderr.find(/a port of their own\s+address=127.0.0.1 port=(\d+)/);
    const port = Number(line?.[1]);
    const local = async (path: string, host = `localhost:${port}`) => {
      using visitor = await RawHTTP.open(port);
      return (await visitor.exchange(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).status;
    };
    for (const path of ["/metrics", "/tunnels", "/healthz"]) assertEquals(await local(path), 200);
    assertEquals(await local("/metrics", `127.0.0.1:${port}`), 200);
    // A page of a stranger's, whose name leads here.
    assertEquals(await local("/metrics", `evil.example:${port}`), 403);
    assertEquals(await local("/metrics", "tunnel.example.test"), 403);
  });
});

Deno.test("/tunnels answers 429 to an address that guesses", async () => {
  await using server = await startServer(["--admin-token", TOKEN]);
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => ask(server, "Bearer wrong")),
  );
  const statuses = new Set(answers.map(({ status }) => status));
  assertEquals([...statuses].sort(), [401, 429]);
  await eventually(
    "the list again",
    async () => (await ask(server, `Bearer ${TOKEN}`)).status === 200,
  );
});

Deno.test("Without --admin-token there is no /tunnels", async () => {
  await using server = await startServer();
  for (const authorization of [null, "Bearer ", `Bearer ${TOKEN}`]) {
    const { status, head } = await ask(server, authorization);
    assertEquals([status, head.get("www-authenticate")], [404, null]);
  }
});

Deno.test("/tunnels under a tunnel's name is the tunnel's own page, to which the token goes", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await startServer(["--admin-token", TOKEN]);
  await using tunnel = await startTunnel({ origin, server });
  const { text } = await tunnel.request("/tunnels", {
    fields: [["Authorization", `Bearer ${TOKEN}`]],
  });
  assertEquals(text, "ok");
  assertEquals((await origin.next()).head.get("authorization"), `Bearer ${TOKEN}`);
});

/** What the tests look at of a tunnel. */
interface Seen {
  readonly connections: readonly Readonly<Record<string, unknown>>[];
  readonly bytes: { readonly received: number; readonly sent: number };
  readonly [member: string]: unknown;
}

async function only(server: Program): Promise<Seen> {
  const { tunnels: [tunnel, ...others] } = await list(server);
  assertEquals(others, []);
  assert(tunnel !== undefined, "there is no tunnel");
  return tunnel;
}

async function list(server: Program, query = "") {
  const { status, text } = await ask(server, `Bearer ${TOKEN}`, `/tunnels${query}`);
  assertEquals(status, 200, text);
  const page: { node: string | null; total: number; tunnels: Seen[]; next: string | null } = JSON
    .parse(text);
  return page;
}

async function ask(
  server: Program,
  authorization: string | null,
  target = "/tunnels",
): Promise<WholeResponse> {
  const field = authorization === null ? "" : `Authorization: ${authorization}\r\n`;
  return await exchange(server, `GET ${target} HTTP/1.1\r\n${field}`);
}

async function exchange(server: Program, start: string): Promise<WholeResponse> {
  using visitor = await RawHTTP.open(Number(server.url.port));
  return await visitor.exchange(`${start}Host: ${server.url.host}\r\n\r\n`);
}
