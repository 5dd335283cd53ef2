import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { encodeBase32 } from "@std/encoding/base32";
import { createHash } from "node:crypto";
import config from "../../deno.json" with { type: "json" };
import { RFC_8037_KEY } from "../testing/ed25519.ts";
import { runToEnd } from "../testing/ended_program.ts";
import { freePort } from "../testing/free_port.ts";
import { pem } from "../testing/pem.ts";
import { Program } from "../testing/program.ts";
import { scrape } from "../testing/prometheus.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { startServer, startTunnel, Tunnel } from "../testing/tunnel.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

const SERVER_FLAGS = [
  ...["port", "hostname", "domain", "public-url", "timeout", "tls-cert", "tls-key"],
  ...["trust-proxy", "fixed", "open", "state", "admin-port", "log-format", "log-level"],
];

const CLIENT_FLAGS = [
  ...["port", "host", "server", "key", "label", "connections", "host-header", "once"],
];

const SCRIPTS = [["server.ts", SERVER_FLAGS], ["client.ts", CLIENT_FLAGS]] as const;

Deno.test("--help names every flag and the environment variables, and exits with status 0", async (t) => {
  for (const [script, flags] of SCRIPTS) {
    for (const word of ["--help", "-h"]) {
      await t.step(`${script} ${word}`, async () => {
        const { code, stdout, stderr } = await runToEnd(script, [word]);
        assertEquals([code, stderr], [0, ""]);
        const named = [...stdout.matchAll(/--([a-z]+(?:-[a-z]+)*)/g)].map(([, name]) => name);
        for (const flag of [...flags, "help", "version"]) assert(named.includes(flag), flag);
        assertMatch(stdout, new RegExp(`^Usage: deno run -A ${script} `, "m"));
        assertMatch(stdout, /TUNNEL_/);
      });
    }
  }
});

Deno.test("--version prints the version alone", async (t) => {
  for (const [script] of SCRIPTS) {
    await t.step(script, async () => {
      const ended = await runToEnd(script, ["--version"]);
      assertEquals(ended, { code: 0, stdout: `${config.version}\n`, stderr: "" });
    });
  }
});

Deno.test("The server prints one line, its URL, and logs on stderr in the format and from the level that it is told", async (t) => {
  await t.step("its address, or what --public-url says", async () => {
    await using plain = await startServer();
    assertMatch(`${plain.stdout}`, /^http:\/\/localhost:\d+$/);
    await using domain = await startServer(["--domain", "Tunnel.Example."]);
    assertMatch(`${domain.stdout}`, /^http:\/\/tunnel\.example:\d+$/);
    await using behind = await startServer(["--public-url", "https://tunnel.example"]);
    assertEquals(`${behind.stdout}`, "https://tunnel.example");
  });
  await using origin = ScriptedOrigin.answering(OK);
  await t.step("json", async () => {
    await using tunnel = await startTunnel({ origin, serverArgs: ["--log-format", "json"] });
    const [line = ""] = await tunnel.server.stderr.find(/.*registered.*/) ?? [];
    const event: Record<string, unknown> = JSON.parse(line);
    assertEquals(event.level, "info");
    assert(typeof event.time === "string" && !Number.isNaN(Date.parse(event.time)), line);
    assertEquals(tunnel.server.stdout.all.length, 1);
  });
  await t.step("text", async () => {
    await using tunnel = await startTunnel({ origin, serverArgs: ["--log-format", "text"] });
    const [line = ""] = await tunnel.server.stderr.find(/.*registered.*/) ?? [];
    assertMatch(line, /info/);
    assert(!line.startsWith("{"), line);
  });
  await t.step("error", async () => {
    await using tunnel = await startTunnel({ origin, serverArgs: ["--log-level", "error"] });
    assertEquals(tunnel.server.stderr.all, []);
  });
});

Deno.test("The client's stdout has the public URL on a line of its own and nothing else", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin, clientArgs: ["--connections", "4"] });
  await tunnel.request("/");
  assertEquals(tunnel.client.stdout.all, [tunnel.url.origin]);
  assertEquals((await tunnel.client.stop("SIGTERM")).code, 0);
  await tunnel.client.stdout.ended;
  assertEquals(tunnel.client.stdout.all, [tunnel.url.origin]);
});

Deno.test("Each flag has an environment variable, and a flag wins over it", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  const [first, second] = [`${freePort()}`, `${freePort()}`];
  const listen = ["--hostname", "127.0.0.1"];
  await t.step("PORT", async () => {
    await using server = await Program.start("server.ts", listen, { env: { PORT: first } });
    assertEquals(server.url.port, first);
  });
  await t.step("TUNNEL_PORT wins over PORT", async () => {
    const env = { PORT: first, TUNNEL_PORT: second };
    await using server = await Program.start("server.ts", listen, { env });
    assertEquals(server.url.port, second);
  });
  await t.step("--port wins over both", async () => {
    const env = { PORT: "1", TUNNEL_PORT: "2" };
    await using server = await Program.start("server.ts", [...listen, "--port", first], { env });
    assertEquals(server.url.port, first);
  });
  await t.step("names with a hyphen, and switches", async () => {
    const env = {
      TUNNEL_HOSTNAME: "127.0.0.1",
      TUNNEL_PORT: "0",
      TUNNEL_PUBLIC_URL: "https://tunnel.example",
      TUNNEL_LOG_LEVEL: "error",
      TUNNEL_FIXED: "true",
      // An empty one is none, for compose files cannot unset a variable.
      TUNNEL_DOMAIN: "",
    };
    await using server = await Program.start("server.ts", [], { env });
    assertEquals(server.url.href, "https://tunnel.example/");
  });
  await t.step("of the client", async () => {
    await using server = await startServer();
    await using folder = await TempDir.make();
    const env = {
      TUNNEL_PORT: `${origin.port}`,
      TUNNEL_HOST: "127.0.0.1",
      TUNNEL_SERVER: server.url.origin,
      TUNNEL_KEY: `${folder.path}/key.pem`,
      TUNNEL_LABEL: "blog",
      TUNNEL_CONNECTIONS: "3",
    };
    await using client = await Program.start("client.ts", ["--connections", "1"], { env });
    assert((await Deno.stat(env.TUNNEL_KEY)).isFile);
    assertEquals((await scrape(server)).value("tunnel_connections"), 1);
    await client.stop();
    const label = ["--label", "blog", "--key", env.TUNNEL_KEY];
    await using same = await startTunnel({ origin, server, clientArgs: label });
    assertEquals(same.url, client.url);
  });
});

Deno.test("A positional port, host and port, or URL means the same as --port", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await startServer();
  for (const host of ["", "127.0.0.1:", "http://127.0.0.1:", "localhost:", "http://localhost:"]) {
    await t.step(`${host}<port>`, async () => {
      const args = [`${host}${origin.port}`, "--server", server.url.origin];
      await using client = await Program.start("client.ts", args);
      await using tunnel = tunnelOf(server, client);
      assertEquals((await tunnel.request("/")).text, "ok");
    });
  }
});

Deno.test("The key is made on first use, for its owner alone, and kept", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await startServer();
  await t.step("in a folder that is there", async () => {
    await using folder = await TempDir.make();
    const path = `${folder.path}/key.pem`;
    const clientArgs = ["--key", path];
    await using first = await startTunnel({ origin, server, clientArgs });
    const made = await Deno.readTextFile(path);
    assertMatch(
      made,
      /^-----BEGIN PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+-----END PRIVATE KEY-----\n$/,
    );
    if (Deno.build.os !== "windows") assertEquals(await modeOf(path), 0o600);
    await first.client.stop();
    await using second = await startTunnel({ origin, server, clientArgs });
    assertEquals(second.url, first.url);
    assertEquals(await Deno.readTextFile(path), made);
    // Nothing else is left beside it.
    assertEquals([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["key.pem"]);
    // The first run says so, and no other one does.
    await first.client.stderr.find(new RegExp(`made the key ${path}: keep a copy, `));
    await second.client.stderr.find(/connected to /);
    assertNotMatch(`${second.client.stderr}`, /made the key/);
  });
  await t.step("not in a folder that somebody named and that is not there", async () => {
    await using folder = await TempDir.make();
    const ended = await runToEnd("client.ts", ["--key", `${folder.path}/not/yet/key.pem`]);
    assertEquals([ended.code, ended.stdout], [2, ""]);
    assertMatch(ended.stderr, /: cannot make the key .*: there is no folder .*\/not\/yet; make it/);
    assertEquals([...Deno.readDirSync(folder.path)], []);
  });
  await t.step({
    name: "in the platform's config folder",
    ignore: Deno.build.os !== "linux",
    fn: async () => {
      await using folder = await TempDir.make();
      const args = ["--server", server.url.origin, `${origin.port}`];
      const env = { XDG_CONFIG_HOME: folder.path };
      await using _client = await Program.start("client.ts", args, { env });
      assertEquals(await modeOf(`${folder.path}/tunnel/key.pem`), 0o600);
    },
  });
  await t.step("by ten clients at once", async () => {
    await using folder = await TempDir.make();
    const clientArgs = ["--key", `${folder.path}/key.pem`, "--connections", "1"];
    await using clients = new AsyncDisposableStack();
    const urls = await Promise.all(Array.from({ length: 10 }, async () => {
      return clients.use(await startTunnel({ origin, server, clientArgs })).url.href;
    }));
    assertEquals(new Set(urls).size, 1);
  });
});

Deno.test("The hostname is base32 of the SHA-256 of the key's thumbprint, with the label behind it", async (t) => {
  /** RFC 8037 appendix A.3. */
  const THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await startServer();
  await using folder = await TempDir.make();
  const key = `${folder.path}/key.pem`;
  await Deno.writeTextFile(key, pem("PRIVATE KEY", RFC_8037_KEY.pkcs8), { mode: 0o600 });
  for (const label of ["", "blog", "a-1"]) {
    await t.step(label === "" ? "no label" : label, async () => {
      const clientArgs = ["--key", key, ...(label === "" ? [] : ["--label", label])];
      await using tunnel = await startTunnel({ origin, server, clientArgs });
      const hash = createHash("sha256").update(THUMBPRINT + label).digest();
      assertEquals(tunnel.id, encodeBase32(hash).replaceAll("=", "").toLowerCase());
      assertEquals((await tunnel.request("/")).text, "ok");
    });
  }
});

Deno.test("One client serves several servers", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using other = await startServer();
  await using tunnel = await startTunnel({ origin, clientArgs: ["--server", other.url.origin] });
  const urls = [tunnel.server, other].map(({ url }) => `http://${tunnel.id}.localhost:${url.port}`);
  for (const url of urls) await tunnel.client.stdout.find(new RegExp(`^${url}$`));
  assertEquals([...tunnel.client.stdout.all].sort(), [...urls].sort());
  await using second = tunnelOf(other, tunnel.client);
  for (const [server, url] of [[tunnel, urls[0]], [second, urls[1]]] as const) {
    const host = new URL(url ?? "").host;
    assertEquals((await server.request("/", { host })).text, "ok");
  }
});

/** Joins programs that belong to the caller. */
function tunnelOf(server: Program, client: Program): Tunnel {
  return new Tunnel(server, client, new AsyncDisposableStack());
}

/** Returns the permission bits of a file. */
async function modeOf(path: string): Promise<number | null> {
  const { mode } = await Deno.stat(path);
  return mode === null ? null : mode & 0o777;
}
