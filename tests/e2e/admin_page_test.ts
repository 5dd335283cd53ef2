import { assert, assertEquals, assertMatch } from "@std/assert";
import { Browser, CHROMIUM } from "../testing/browser.ts";
import { eventually } from "../testing/eventually.ts";
import { runToEnd } from "../testing/ended_program.ts";
import { Program } from "../testing/program.ts";
import { RawHTTP, type WholeResponse } from "../testing/raw_http.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { startTunnel } from "../testing/tunnel.ts";

const TOKEN = "0123456789abcdef";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** What somebody writes where it is shown to an operator. */
const MARKUP = "<img src=x onerror=window.ran=1>";

Deno.test("Attacks on the operator's page", async (t) => {
  await using folder = await TempDir.make();
  await using server = await Program.start("server.ts", [
    ...["--hostname", "127.0.0.1", "--port", "0", "--admin-token", TOKEN, "--state", folder.path],
    ...["--admin-port", "0", "--log-format", "text"],
  ]);
  const site = new Site(server);
  const login = (fields = site.own, token = TOKEN) =>
    site.post("/admin/login", JSON.stringify({ token }), fields);

  await t.step("a login sets a cookie that scripts and other sites do not get", async () => {
    const { status, head } = await login();
    assertEquals(status, 200);
    const cookie = head.get("set-cookie") ?? "";
    assertMatch(
      cookie,
      /^tunnel-admin-\d+=\S+; Path=\/; Max-Age=28800; HttpOnly; SameSite=Strict$/,
    );
    assertEquals((await site.get("/tunnels", `Cookie: ${cookie.split(";")[0]}\r\n`)).status, 200);
  });
  const [cookie = ""] = ((await login()).head.get("set-cookie") ?? "").split(";");
  const asOperator = `Cookie: ${cookie}\r\n`;
  const ban = '{"network": "203.0.113.0/24"}';

  await t.step("CSRF: pages of other sites, of tunnels and of other ports cannot act", async () => {
    const { port } = server.url;
    for (
      const origin of [
        "https://evil.example",
        `http://evil.localhost:${port}`,
        `http://localhost:${port}`,
        "http://admin.localhost:1",
        `https://admin.localhost:${port}`,
        "null",
      ]
    ) {
      for (const path of ["/admin/ban", "/admin/disconnect", "/admin/unban", "/admin/login"]) {
        const { status } = await site.post(path, ban, `${asOperator}Origin: ${origin}\r\n`);
        assert(status === 401 || status === 403, `${path} from ${origin}: ${status}`);
      }
    }
    // Without Origin, and from a page of the same site that a browser tells apart.
    assertEquals((await site.post("/admin/ban", ban, asOperator)).status, 401);
    const sameSite = `${site.own}${asOperator}Sec-Fetch-Site: same-site\r\n`;
    assertEquals((await site.post("/admin/ban", ban, sameSite)).status, 401);
    const foreign = `${asOperator}Sec-Fetch-Site: cross-site\r\n`;
    assertEquals((await site.get("/tunnels", foreign)).status, 401);
    // A form can send its own page's Origin, but no JSON.
    const form = "Content-Type: text/plain\r\n";
    assertEquals((await site.post("/admin/ban", ban, site.own + asOperator, form)).status, 415);
    assertEquals(await site.bans(asOperator), []);
  });

  await t.step(
    "a cookie counts for nothing where pages of tunnels may have the same origin",
    async () => {
      for (const host of [`localhost:${server.url.port}`, `127.0.0.1:${server.url.port}`]) {
        const elsewhere = new Site(server, host);
        assertEquals((await elsewhere.get("/tunnels", asOperator)).status, 401);
        const fields = `${asOperator}Origin: http://${host}\r\n`;
        assertEquals((await elsewhere.post("/admin/ban", ban, fields)).status, 401);
        assertEquals((await elsewhere.post("/admin/login", '{"token": "x"}', fields)).status, 404);
        const { status, head } = await elsewhere.get("/admin");
        assertEquals([status, head.get("location")], [302, `http://${site.host}/admin`]);
      }
      assertEquals((await site.get("/proxy/request/shop/")).status, 404, "no tunnel is there");
    },
  );

  await t.step("a forged cookie, one of another server and one that was given back", async () => {
    const [name = "", value = ""] = cookie.split("=");
    const [expires = "", id = "", mac = ""] = value.split(".");
    for (
      const forged of [
        `${name}=`,
        `${name}=${value}x`,
        `${name}=${Number(expires) + 1}.${id}.${mac}`,
        `${name}=${expires}.${id.slice(1)}A.${mac}`,
        `${name}=${expires}.${id}.${"A".repeat(43)}`,
        `${name}=${expires}.${id}`,
        `${name}=${expires}.${id}.`,
        `tunnel-admin-1=${value}`,
        `__Host-tunnel-admin=${value}`,
        `${name}=${TOKEN}`,
        "x".repeat(9000) + `; ${cookie}`,
      ]
    ) {
      const { status } = await site.get("/tunnels", `Cookie: ${forged}\r\n`);
      assertEquals(status, 401, forged.slice(0, 100));
    }
    const others = `Cookie: a=b; ${name}=wrong; ${cookie}; c=d\r\n`;
    assertEquals((await site.get("/tunnels", others)).status, 200, "cookies of others beside it");
    const { head } = await site.post("/admin/logout", "{}", site.own + asOperator);
    assertMatch(head.get("set-cookie") ?? "", /=; Path=\/; Max-Age=0;/);
    assertEquals((await site.get("/tunnels", asOperator)).status, 401);
  });

  await t.step("the page cannot be framed, and runs and loads nothing of others", async () => {
    for (const path of ["/admin", "/admin/app.js", "/admin/app.css"]) {
      const { status, head } = await site.get(path);
      assertEquals(status, 200, path);
      const policy = head.get("content-security-policy") ?? "";
      assertMatch(policy, /default-src 'none'.*frame-ancestors 'none'/);
      assert(!policy.includes("unsafe"), policy);
      assertEquals(head.get("x-content-type-options"), "nosniff");
      assertEquals(head.get("cache-control"), "no-store");
    }
    assertEquals((await site.get("/")).head.get("location"), `http://${site.host}/admin`);
    assertEquals(
      (await site.get("/admin/nothing", `Authorization: Bearer ${TOKEN}\r\n`)).status,
      404,
    );
  });

  await t.step("guesses at the token are bounded, at the login as well", async () => {
    // Ten a second are looked at: on a slow machine it takes a second try to have more in one.
    await eventually("a guess that is not looked at", async () => {
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, i) => login(site.own, `wrong token number ${i}`)),
      );
      assert(answers.every(({ status }) => status === 401 || status === 429));
      assert(
        answers.every(({ head }) => !head.fields.some(([name]) => /^set-cookie$/i.test(name))),
      );
      return answers.some(({ status }) => status === 429);
    });
  });

  await t.step(
    "the port for operators logs in too, under names of this machine alone",
    async () => {
      const line = await server.stderr.find(/a port of their own\s+address=127.0.0.1 port=(\d+)/);
      const port = Number(line?.[1]);
      const local = new Site(server, `localhost:${port}`, port);
      assertEquals((await local.get("/admin")).status, 200);
      assertEquals(
        (await local.post("/admin/ban", ban, local.own)).status,
        401,
        "acts need a login",
      );
      const rebound = new Site(server, `evil.example:${port}`, port);
      assertEquals((await rebound.get("/admin")).status, 403);
      assertEquals((await rebound.post("/admin/login", "{}", rebound.own)).status, 403);
    },
  );
});

Deno.test("An operator looks who is there, and acts, in a browser", {
  ignore: CHROMIUM === null,
}, async (t) => {
  await using folder = await TempDir.make();
  await using origin = ScriptedOrigin.answering(OK);
  const thumbprints: string[] = [];
  for (const name of ["a", "b"]) {
    const key = ["--key", `${folder.path}/${name}`, "--show-key"];
    thumbprints.push((await runToEnd("client.ts", key)).stdout.trim());
  }
  const [first = "", second = ""] = thumbprints;
  const keys = `${folder.path}/keys`;
  await Deno.writeTextFile(keys, `${first} shop # ${MARKUP}\n${second} # Ann's laptop\n`);
  await using server = await Program.start("server.ts", [
    ...["--hostname", "127.0.0.1", "--port", "0", "--admin-token", TOKEN],
    ...["--state", folder.path, "--authorized-keys", keys, "--log-format", "text"],
  ]);
  const clientArgs = ["--connections", "1", "--key"];
  await using shop = await startTunnel({
    origin,
    server,
    clientArgs: [...clientArgs, `${folder.path}/a`, "--name", "shop"],
  });
  await using other = await startTunnel({
    origin,
    server,
    clientArgs: [...clientArgs, `${folder.path}/b`],
  });
  await shop.request("/");
  await using browser = await Browser.start();
  await using page = await browser.open(`http://admin.localhost:${server.url.port}/admin`);

  await t.step("a wrong token is told, the right one opens the page", async () => {
    await page.fill("#token", "not the token");
    await page.press("Enter");
    await page.sees("[role=alert]", "this is not the token");
    await page.fill("#token", TOKEN);
    await page.press("Enter");
    await page.sees(".name", "shop");
  });
  await t.step("XSS: names, comments and reasons are text", async () => {
    await page.sees(".comment", MARKUP);
    await page.fill("input[type=search]", MARKUP);
    await page.waits("one row", "document.querySelectorAll('tbody tr').length === 1");
    await page.click(".acts .danger", "Ban");
    await page.fill("#ban-reason", MARKUP);
    await page.click("dialog button[type=submit]", "Ban");
    await page.sees("[role=status]", "is banned; 1 connection ended");
    await page.click(".chip", "Bans 1");
    await page.sees(".bans td", MARKUP);
    assertEquals(await page.texts("img"), []);
    assertEquals(await page.evaluate("window.ran"), undefined);
  });
  await t.step("a ban is lifted, and a tunnel disconnected, by the keyboard", async () => {
    await page.evaluate("document.querySelector('.bans button').focus()");
    await page.press("Enter");
    await page.sees(".empty", "Nobody is banned");
    await page.click(".chip", "Tunnels");
    await page.fill("input[type=search]", "Ann's laptop");
    await page.sees(".name", other.id.slice(0, 8));
    await page.evaluate("document.querySelector('.acts button').focus()");
    await page.press("Enter");
    await page.sees("[role=status]", "is disconnected, with 1 connection");
    await server.stderr.find(/operator: disconnected/);
  });
  await t.step(
    "nothing is asked of anybody else, and a logged-out page asks for the token",
    async () => {
      const { origin } = new URL(`http://admin.localhost:${server.url.port}`);
      const elsewhere = page.requested.filter((url) => !/^data:/.test(url))
        .filter((url) => new URL(url).origin !== origin);
      assertEquals(elsewhere, []);
      await page.click("header button", "Log out");
      await page.sees("label", "Admin token");
      assertEquals(page.errors, []);
    },
  );
  await t.step("it is as wide as a telephone, in the dark", async () => {
    await using small = await browser.open(
      `http://admin.localhost:${server.url.port}/admin`,
      { width: 390, height: 844, colors: "dark" },
    );
    await small.fill("#token", TOKEN);
    await small.press("Enter");
    await small.sees(".top", "Tunnels");
    assertEquals(await small.evaluate("document.documentElement.scrollWidth"), 390);
  });
});

/** The operator's page, asked as any program could. */
class Site {
  /** The field that a browser adds to calls of its page. */
  readonly own: string;
  readonly #port: number;

  constructor(
    server: Program,
    readonly host = `admin.localhost:${server.url.port}`,
    port = Number(server.url.port),
  ) {
    this.#port = port;
    this.own = `Origin: http://${host}\r\n`;
  }

  get(path: string, fields = ""): Promise<WholeResponse> {
    return this.#exchange(`GET ${path} HTTP/1.1\r\nHost: ${this.host}\r\n${fields}\r\n`);
  }

  post(
    path: string,
    body: string,
    fields: string,
    type = "Content-Type: application/json\r\n",
  ): Promise<WholeResponse> {
    const length = `Content-Length: ${body.length}\r\n`;
    const head = `POST ${path} HTTP/1.1\r\nHost: ${this.host}\r\n${fields}${type}${length}\r\n`;
    return this.#exchange(head + body);
  }

  async bans(fields: string): Promise<readonly unknown[]> {
    const { bans }: { readonly bans: readonly unknown[] } = JSON.parse(
      (await this.get("/admin/bans", fields)).text,
    );
    return bans;
  }

  async #exchange(text: string): Promise<WholeResponse> {
    using visitor = await RawHTTP.open(this.#port);
    return await visitor.exchange(text);
  }
}
