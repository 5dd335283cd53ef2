import { createServer } from "node:http";
import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import {
  forward,
  type ForwardOptions,
  type LocalRoutes,
  type LocalService,
  OptionError,
  type Tunnel,
} from "../../../lib/mod.ts";
import { TunnelServer } from "../../../lib/server/mod.ts";
import { CERTIFICATE, pathOf, readCertificate } from "../../testing/certificate.ts";
import { TempDir } from "../../testing/temp_dir.ts";
import { within } from "../../testing/within.ts";

Deno.test("forward publishes what the command line publishes", async (t) => {
  await using server = new TunnelServer({ port: 0, hostname: "127.0.0.1", fixed: true });
  await using folder = await TempDir.make();
  await Deno.writeTextFile(`${folder.path}/app.js`, "the script");
  // A server with one tunnel has it for one key.
  const key = `${folder.path}/key.pem`;
  const open = (
    service: LocalService | LocalRoutes,
    options: Omit<ForwardOptions, "server" | "key"> = {},
  ): Promise<Tunnel> => forward({ server: server.url, key, ...options }, service);
  const plain = { port: 0, hostname: "127.0.0.1", onListen() {} };
  const say = (what: string) => (request: Request): Response => {
    const prefix = request.headers.get("x-forwarded-prefix");
    return new Response(`${what} ${new URL(request.url).pathname} ${prefix}`);
  };

  await t.step("https, by an authority of its own, or whatever its certificate is", async () => {
    const key = await Deno.readTextFile(CERTIFICATE.keyFile);
    const tls = { cert: await Deno.readTextFile(pathOf("signed.pem")), key };
    await using origin = Deno.serve({ ...plain, ...tls }, say("secure"));
    const service = `https://localhost:${origin.addr.port}`;
    const originAuthorities = await Deno.readTextFile(pathOf("authority.pem"));
    for (const options of [{ originAuthorities }, { insecureOrigin: true }]) {
      await using tunnel = await open(service, options);
      assertEquals(await textAt(tunnel, "/a"), "secure /a null");
    }
    await using tunnel = await open(service, { originAuthorities: readCertificate() });
    const notice = Promise.withResolvers<string>();
    tunnel.addEventListener("notice", ({ text }) => notice.resolve(text));
    assertEquals(await statusAt(tunnel, "/"), 502);
    assertMatch(await within(notice.promise, "a notice"), /does not know the authority/);
  });
  await t.step({
    name: "a unix socket",
    ignore: Deno.build.os === "windows",
    fn: async () => {
      const path = `${folder.path}/app.sock`;
      await using _origin = Deno.serve({ path, onListen() {} }, say("socket"));
      await using tunnel = await open(`unix:${path}`);
      assertEquals(await textAt(tunnel, "/a"), "socket /a null");
    },
  });
  await t.step(
    "a folder, listed, or with its first page for those that are not there",
    async () => {
      {
        await using tunnel = await open(folder.path, { list: true });
        assertStringIncludes(await textAt(tunnel, "/"), "app.js");
      }
      await Deno.writeTextFile(`${folder.path}/index.html`, "the page");
      await using tunnel = await open(folder.path, { spa: true });
      assertEquals(await textAt(tunnel, "/app.js"), "the script");
      const headers = { accept: "text/html" };
      assertEquals(await (await fetch(`${tunnel.url}/later`, { headers })).text(), "the page");
    },
  );
  await t.step("a status and a redirect", async () => {
    {
      await using tunnel = await open("status:503");
      assertEquals(await statusAt(tunnel, "/"), 503);
    }
    await using tunnel = await open("redirect:https://example.com{path}");
    const response = await fetch(`${tunnel.url}/a?b`, { redirect: "manual" });
    await response.body?.cancel();
    assertEquals(response.headers.get("location"), "https://example.com/a?b");
  });
  await t.step("routes, whose services get all of the path or what is behind theirs", async () => {
    await using api = Deno.serve(plain, say("api"));
    const routes: LocalRoutes = {
      "/api": `127.0.0.1:${api.addr.port}`,
      "/old": "status:410",
      "/": folder.path,
    };
    {
      await using tunnel = await open(routes);
      assertEquals(await textAt(tunnel, "/api/items"), "api /api/items null");
      assertEquals(await statusAt(tunnel, "/old"), 410);
      assertEquals(await textAt(tunnel, "/app.js"), "the script");
    }
    await using tunnel = await open(routes, { strip: true });
    assertEquals(await textAt(tunnel, "/api/items"), "api /items /api");
  });
});

Deno.test("forward says what is wrong with a service", async () => {
  const options = { server: "http://127.0.0.1:1" };
  const wrong: readonly (readonly [unknown, string])[] = [
    ["unix:", "the option service must name a socket with 1 to 103 bytes"],
    ["status:99", 'the option service must be a whole number from 200 to 599, not "status:99"'],
    ["redirect:here", "the option service must lead to a URL"],
    ["./not-there", "the option service must be one that can be published: "],
    [undefined, "the option service is needed behind the options: a port such as 3000"],
    [{ "/": createServer() }, "the option service must be a port, a word such as ./dist, or"],
    [createServer(), "let it listen, and give its port to forward()"],
    [{}, "the option service must have one member or more, not []"],
    [
      { api: 4000 },
      "the option service must be a path without dots for names, and a service: /api",
    ],
    [{ "/api": 70_000 }, 'must have a port from 1 to 65535, not ["/api=70000"]'],
    [{ "/a": 1, "/a/": 2 }, "the option service cannot be these routes: two services are given"],
  ];
  for (const [service, message] of wrong) {
    await assertRejects(
      () => Reflect.apply(forward, undefined, [options, service]),
      OptionError,
      message,
    );
  }
  const strips: readonly unknown[] = [{ ...options, strip: "yes" }, 3000];
  await assertRejects(
    () => Reflect.apply(forward, undefined, strips),
    OptionError,
    'the option strip must be true or false, not "yes"',
  );
});

async function textAt({ url }: Tunnel, path: string): Promise<string> {
  return await (await fetch(url + path)).text();
}

async function statusAt({ url }: Tunnel, path: string): Promise<number> {
  const { status, body } = await fetch(url + path);
  await body?.cancel();
  return status;
}
