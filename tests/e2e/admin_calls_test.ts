import { assert, assertEquals, assertMatch } from "@std/assert";
import { runToEnd } from "../testing/ended_program.ts";
import { eventually } from "../testing/eventually.ts";
import { Program } from "../testing/program.ts";
import { RawHTTP, type WholeResponse } from "../testing/raw_http.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { startTunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";

const TOKEN = "0123456789abcdef";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Deno.test("An operator disconnects a tunnel, bans its key or its network, and lifts the ban", async (t) => {
  await using folder = await TempDir.make();
  await using origin = ScriptedOrigin.answering(OK);
  const args = [
    ...["--hostname", "127.0.0.1", "--port", "0", "--admin-token", TOKEN],
    ...["--state", folder.path, "--log-format", "text"],
  ];
  const key = ["--key", `${folder.path}/key.pem`, "--connections", "1"];
  {
    await using server = await Program.start("server.ts", args);
    await using tunnel = await startTunnel({ origin, server, clientArgs: key });
    await tunnel.request("/");

    await t.step("the list tells key and visits", async () => {
      const { tunnels: [listed] } = await call(server, "GET", "/tunnels");
      assertEquals(listed?.visits, { requests: 1, refused: 0 });
      assertMatch(listed?.key ?? "", /^[A-Za-z0-9_-]{43}$/);
    });
    await t.step("one that is disconnected comes back", async () => {
      const { ended } = await call(server, "POST", "/admin/disconnect", { tunnel: tunnel.id });
      assertEquals(ended, 1);
      await within(
        server.stderr.find(new RegExp(`operator: disconnected .*tunnel=${tunnel.id}.*ended=1 by=`)),
        "the audit line",
      );
      await eventually("its return", async () => {
        const { total } = await call(server, "GET", "/tunnels");
        return total === 1;
      });
    });
    await t.step("one that is banned does not", async () => {
      const call_ = { tunnel: tunnel.id, reason: "phishing" };
      const { ban, ended } = await call(server, "POST", "/admin/ban", call_);
      assertEquals([ban.kind, ban.reason, ended], ["key", "phishing", 1]);
      assertEquals((await within(tunnel.client.status, "the client's end")).code, 1);
      assert(tunnel.client.stderr.all.some((line) => line.includes("banned")));
      await within(server.stderr.find(/operator: banned .*reason=phishing/), "the audit line");
    });
    await t.step("a call that cannot be done says why, and changes nothing", async () => {
      for (
        const [path, body, status] of [
          ["/admin/disconnect", { tunnel: "nobody" }, 404],
          ["/admin/disconnect", {}, 400],
          ["/admin/ban", { tunnel: "nobody" }, 404],
          ["/admin/ban", { key: "x" }, 400],
          ["/admin/ban", { network: "203.0.113.0/40" }, 400],
          ["/admin/ban", { network: "203.0.113.0/24", key: "x" }, 400],
          ["/admin/ban", {}, 400],
          ["/admin/ban", { network: "203.0.113.0/24", reason: 1 }, 400],
          ["/admin/unban", { network: "203.0.113.0/24" }, 404],
          ["/admin/ban", { network: "203.0.113.0/24", reason: "x".repeat(9000) }, 413],
        ] as const
      ) {
        const answer = await post(server, path, JSON.stringify(body));
        assertEquals(answer.status, status, `${path} ${JSON.stringify(body).slice(0, 80)}`);
        assertMatch(answer.text, /^\{"error":".+"\}\n$/);
      }
      for (const text of ["", "[]", "1", "{"]) {
        assertEquals((await post(server, "/admin/ban", text)).status, 400, text);
      }
      const { bans } = await call(server, "GET", "/admin/bans");
      assertEquals(bans.length, 1);
      assertEquals((await ask(server, "GET /admin/ban")).status, 405);
    });
  }

  await using server = await Program.start("server.ts", args);
  await t.step("a ban outlives the server, until it is lifted", async () => {
    const { bans: [ban] } = await call(server, "GET", "/admin/bans");
    const to = ["--server", server.url.origin, "--host", "127.0.0.1", "--port", `${origin.port}`];
    await using refused = new AsyncDisposableStack();
    await Program.start("client.ts", [...to, ...key]).then(
      (client) => {
        refused.use(client);
        throw new Error("a banned client was let in");
      },
      (error) => assertMatch(String(error), /banned/),
    );
    await call(server, "POST", "/admin/unban", { key: ban?.value });
    await using _client = await Program.start("client.ts", [...to, ...key]);
    const { ended } = await call(server, "POST", "/admin/ban", { network: "127.0.0.0/8" });
    assertEquals(ended, 1);
    assertEquals((await call(server, "GET", "/tunnels")).total, 0);
  });
});

Deno.test("tunnel-server admin does from a shell what the page does", async (t) => {
  await using folder = await TempDir.make();
  await using origin = ScriptedOrigin.answering(OK);
  const args = ["--hostname", "127.0.0.1", "--port", "0", "--state", folder.path];
  await using server = await Program.start("server.ts", [...args, "--admin-token", TOKEN]);
  await using _tunnel = await startTunnel({
    origin,
    server,
    clientArgs: ["--name", "shop", "--connections", "1"],
  });
  const env = { TUNNEL_ADMIN_TOKEN: TOKEN };
  const admin = (...words: string[]) =>
    runToEnd("server.ts", ["admin", ...words, "--server", server.url.origin], { env });

  await t.step("list, as a table and as JSON", async () => {
    const { code, stdout } = await admin("list");
    assertEquals(code, 0);
    assertMatch(stdout, /^TUNNEL +KEY +FROM .*\nshop +\S{43} +127\.0\.0\.1 /);
    const { stdout: json } = await admin("list", "--json", "--search", "sho");
    const page: { readonly tunnels: readonly { readonly name: string }[] } = JSON.parse(json);
    assertEquals(page.tunnels.map(({ name }) => name), ["shop"]);
  });
  await t.step("ban, bans and unban", async () => {
    const { code, stdout } = await admin("ban", "shop", "--reason", "a \x1b[31mtest");
    assertEquals(code, 0);
    assertMatch(stdout, /^banned: key \S{43}; 1 connection ended\n$/);
    const { stdout: bans } = await admin("bans");
    assertMatch(bans, /^KIND +WHO +SINCE +REASON\nkey +\S{43} +\S+ +a \S*\[31mtest\n$/);
    assert(!bans.includes("\x1b"), "nothing drives the terminal");
    const [, key = ""] = /^key +(\S+)/m.exec(bans) ?? [];
    assertMatch((await admin("unban", key)).stdout, /^unbanned: /);
    assertEquals((await admin("bans")).stdout, "nobody is banned\n");
  });
  await t.step("what was not done ends with 1, a wrong call with 2", async () => {
    const gone = await admin("disconnect", "nobody");
    assertEquals([gone.code, gone.stdout], [1, ""]);
    assertMatch(gone.stderr, /there is no tunnel nobody here/);
    const wrong = await admin("list", "--admin-token", "wrong");
    assertEquals(wrong.code, 1);
    assertMatch(wrong.stderr, /this is not its --admin-token/);
    assertEquals((await runToEnd("server.ts", ["admin", "list"])).code, 2);
    assertEquals((await admin("banish", "shop")).code, 2);
  });
});

Deno.test("The calls of an operator take the token, and JSON alone", async () => {
  await using folder = await TempDir.make();
  const args = ["--hostname", "127.0.0.1", "--port", "0", "--state", folder.path];
  await using server = await Program.start("server.ts", [...args, "--admin-token", TOKEN]);
  const body = '{"network": "203.0.113.0/24"}';
  const json = "Content-Type: application/json\r\n";
  const bearer = `Authorization: Bearer ${TOKEN}\r\n`;
  const statusOf = async (path: string, fields: string) =>
    (await post(server, path, body, fields)).status;
  for (const path of ["/admin/disconnect", "/admin/ban", "/admin/unban"]) {
    assertEquals(await statusOf(path, json), 401, path);
    assertEquals(await statusOf(path, `${json}Authorization: Bearer wrong\r\n`), 401, path);
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
      assertEquals(await statusOf(path, `${bearer}Content-Type: ${type}\r\n`), 415, path);
    }
    assertEquals(await statusOf(path, bearer), 415, path);
  }
  assertEquals((await ask(server, "GET /admin/bans", "")).status, 401);
  assertEquals((await call(server, "GET", "/admin/bans")).bans, []);
  assertEquals((await ask(server, "GET /admin/nothing")).status, 404);

  await using other = await Program.start("server.ts", args);
  assertEquals((await post(other, "/admin/ban", body)).status, 404, "there is no operator");
});

Deno.test("A server whose list of bans is damaged does not start", async () => {
  await using folder = await TempDir.make();
  await Deno.writeTextFile(`${folder.path}/bans.json`, "{", { mode: 0o600 });
  const args = ["--hostname", "127.0.0.1", "--port", "0", "--state", folder.path];
  const error = await Program.start("server.ts", [...args, "--admin-token", TOKEN]).then(
    async (server) => {
      await server[Symbol.asyncDispose]();
      return "it started";
    },
    String,
  );
  assertMatch(error, /status 2 .*bans\.json is no list of bans/);
});

/** What answers have in them. */
interface Reply {
  readonly total: number;
  readonly tunnels: readonly { readonly key: string; readonly visits: object }[];
  readonly bans: readonly { readonly value: string }[];
  readonly ban: { readonly kind: string; readonly reason: string };
  readonly ended: number;
}

async function call(
  server: Program,
  method: "GET" | "POST",
  path: string,
  body: object | null = null,
): Promise<Reply> {
  const { status, text } = method === "GET"
    ? await ask(server, `GET ${path}`)
    : await post(server, path, JSON.stringify(body));
  assertEquals(status, 200, text);
  const reply: Reply = JSON.parse(text);
  return reply;
}

async function ask(
  server: Program,
  line: string,
  fields = `Authorization: Bearer ${TOKEN}\r\n`,
): Promise<WholeResponse> {
  using visitor = await RawHTTP.open(Number(server.url.port));
  return await visitor.exchange(`${line} HTTP/1.1\r\nHost: ${server.url.host}\r\n${fields}\r\n`);
}

async function post(
  server: Program,
  path: string,
  body: string,
  fields = `Authorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\n`,
): Promise<WholeResponse> {
  using visitor = await RawHTTP.open(Number(server.url.port));
  return await visitor.exchange(
    `POST ${path} HTTP/1.1\r\nHost: ${server.url.host}\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`,
  );
}
