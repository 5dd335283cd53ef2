import { assert, assertEquals, assertMatch } from "@std/assert";
import { Browser, CHROMIUM } from "../testing/browser.ts";
import { runToEnd } from "../testing/ended_program.ts";
import { eventually } from "../testing/eventually.ts";
import { freePort } from "../testing/free_port.ts";
import { Program, ProgramError } from "../testing/program.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { hasRedis, RedisServer } from "../testing/redis_server.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { startTunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";

const TOKEN = "0123456789abcdef";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Deno.test(
  "An operator sees the tunnels of all nodes at any of them, and what is done there holds on all",
  {
    ignore: !hasRedis,
  },
  async (t) => {
    await using folder = await TempDir.make();
    await using redis = await RedisServer.start();
    await redis.settle("localhost");
    await using origin = ScriptedOrigin.answering(OK);
    const start = async (name: string) => {
      const port = freePort();
      const program = await Program.start("server.ts", [
        ...["--hostname", "127.0.0.1", "--port", `${port}`, "--bus", redis.url, "--open"],
        ...["--node-url", `http://127.0.0.1:${port}`, "--state", `${folder.path}/${name}`],
        ...["--admin-token", TOKEN, "--log-format", "text"],
      ]);
      return program;
    };
    const keyArgs = (name: string) => ["--key", `${folder.path}/${name}.pem`, "--connections", "1"];
    const client = (server: Program, name: string) =>
      startTunnel({ origin, server, clientArgs: [...keyArgs(name), "--name", name] });

    await using near = await start("near");
    await using stack = new AsyncDisposableStack();
    const far = stack.use(await start("far"));
    await using shop = await client(far, "shop");
    await using _blog = await client(near, "blog");
    const node = `127.0.0.1:${far.url.port}`;

    await t.step("the list, its search, and the command", async () => {
      // A list does not wait for a busy node for long.
      await eventually("the tunnels of both", async () => {
        const { tunnels, nodes, total } = await list(near);
        assertEquals(tunnels.map(({ name }) => name).sort(), ["blog", "shop"]);
        assertEquals([total, nodes.map(({ answers }) => answers)], [2, [true, true]]);
        const other = nodes.find(({ url }) => url === `http://${node}`);
        assertEquals(tunnels.find(({ name }) => name === "shop")?.node, other?.id);
        return true;
      });
      await eventually("what a search finds", async () => {
        const { tunnels } = await list(near, "?search=sho");
        return tunnels.map(({ name }) => name).join() === "shop";
      });
      await eventually("the command's table", async () => {
        const { stdout } = await admin(near, "list");
        assertMatch(stdout, /^TUNNEL +NODE +KEY /);
        assertMatch(stdout, new RegExp(`^shop +${node} `, "m"));
        return true;
      });
    });
    await t.step({
      name: "the page",
      ignore: CHROMIUM === null,
      fn: async () => {
        await using browser = await Browser.start();
        await using page = await browser.open(`http://admin.localhost:${near.url.port}/admin`);
        await page.fill("#token", TOKEN);
        await page.press("Enter");
        await page.sees(".node", `on ${node}`);
        await page.sees("footer", "2 nodes: 127.0.0.1:");
        await page.fill("input[type=search]", "shop");
        await page.waits("one row", "document.querySelectorAll('tbody tr').length === 1");
        await page.click(".acts button", "Disconnect");
        await page.sees("[role=status]", "is disconnected, with 1 connection. It may come back.");
        assertEquals(page.errors, []);
      },
    });
    await t.step("a tunnel of another node is disconnected, and comes back", async () => {
      await eventually("the tunnels of both", async () => (await list(near)).total === 2);
      const { stdout } = await admin(near, "disconnect", "shop");
      assertEquals(stdout, "disconnected: 1 connection; the client may come back\n");
      const line = /operator: disconnected .*tunnel=shop .*by="127\.0\.0\.1 at the node \w+"/;
      await within(far.stderr.find(line), "the audit line of the other node");
      await eventually("its return", async () => (await list(far)).total === 2);
    });
    await t.step("a key that is banned at one node is kept away from all", async () => {
      const { stdout } = await admin(near, "ban", "shop", "--reason", "phishing");
      assertMatch(stdout, /^banned: key \S{43}; 1 connection ended\n$/);
      assertEquals((await within(shop.client.status, "the client's end")).code, 1);
      assertEquals((await bansOf(far)).map(({ reason }) => reason), ["phishing"]);
      assertEquals(await bansOf(far), await bansOf(near));
      await refused(client(near, "shop"));
    });
    await t.step("and from a node that starts later", async () => {
      await using later = await start("later");
      await refused(client(later, "shop"));
      await later.stop();
    });
    await t.step("what is lifted at one node is lifted at all", async () => {
      const [ban] = await bansOf(near);
      await call(near, "/admin/ban", { network: "198.51.100.0/24" });
      await call(far, "/admin/unban", { key: ban?.value });
      assertEquals((await bansOf(near)).map(({ value }) => value), ["198.51.100.0/24"]);
      await using _back = await client(near, "shop");
    });
    await t.step("a node that does not answer is named", async () => {
      far.signal("SIGSTOP");
      try {
        const { stdout } = await admin(near, "list");
        assertMatch(stdout, new RegExp(`\\nthe node ${node} does not answer\\n$`));
      } finally {
        far.signal("SIGCONT");
      }
      await eventually("its answer", async () => {
        return (await list(near)).nodes.every(({ answers }) => answers);
      });
    });
    await t.step("while the bus is away each node has its own, and then all have all", async () => {
      await redis.kill();
      await eventually("the outage", async () => (await list(near)).isBusAway);
      assertMatch(
        (await admin(near, "ban", "192.0.2.1")).stdout,
        /ended; the bus is away, .*: this holds there once it arrives/,
      );
      const { isBusAway } = await call(far, "/admin/ban", { network: "192.0.2.2" });
      assert(isBusAway);
      assertEquals((await bansOf(near)).length, 2);
      // Its copy holds after a restart too.
      await far.stop();
      const again = stack.use(await start("far"));
      assertEquals((await bansOf(again)).map(({ value }) => value), [
        "198.51.100.0/24",
        "192.0.2.2",
      ]);
      await redis.start();
      for (const server of [near, again]) {
        await eventually("all bans", async () => (await bansOf(server)).length === 3);
      }
    });
  },
);

/** What answers have in them. */
interface Reply {
  readonly total: number;
  readonly tunnels: readonly { readonly name: string; readonly node: string }[];
  readonly nodes: readonly {
    readonly id: string;
    readonly url: string;
    readonly answers: boolean;
  }[];
  readonly isBusAway: boolean;
  readonly bans: readonly { readonly value: string; readonly reason: string }[];
}

function list(server: Program, query = ""): Promise<Reply> {
  return ask(server, `/tunnels${query}`);
}

async function bansOf(server: Program): Promise<Reply["bans"]> {
  return (await ask(server, "/admin/bans")).bans;
}

async function ask({ url }: Program, path: string): Promise<Reply> {
  return await exchange(url, `GET ${path}`, "");
}

async function call({ url }: Program, path: string, body: object): Promise<Reply> {
  return await exchange(url, `POST ${path}`, JSON.stringify(body));
}

async function exchange(url: URL, start: string, body: string): Promise<Reply> {
  using visitor = await RawHTTP.open(Number(url.port));
  const fields = `Host: ${url.host}\r\nAuthorization: Bearer ${TOKEN}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
  const { status, text } = await visitor.exchange(`${start} HTTP/1.1\r\n${fields}\r\n${body}`);
  assertEquals(status, 200, text);
  const reply: Reply = JSON.parse(text);
  return reply;
}

/** Runs the operator's command. */
function admin(server: Program, ...words: string[]) {
  return runToEnd("server.ts", ["admin", ...words, "--server", server.url.origin], {
    env: { TUNNEL_ADMIN_TOKEN: TOKEN },
  });
}

/** Waits until a client is sent away because of a ban. */
async function refused(starting: Promise<AsyncDisposable>): Promise<void> {
  const error = await starting.then(
    async (tunnel) => {
      await tunnel[Symbol.asyncDispose]();
      return null;
    },
    (error: unknown) => error,
  );
  assert(error instanceof ProgramError, "a banned client was let in");
  assertMatch(error.message, /banned/);
}
