import { assertEquals, assertRejects } from "@std/assert";
import { BehindProxy, checkBehindProxy } from "../testing/behind_proxy.ts";
import { caddyIn } from "../testing/caddy.ts";
import { isInstalled } from "../testing/front_proxy.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { TempDir } from "../testing/temp_dir.ts";

const ignore = !isInstalled("caddy");

Deno.test("Behind Caddy, with certificates on demand", { ignore }, async (t) => {
  await using home = await TempDir.make();
  await using behind = await BehindProxy.start(caddyIn(home.path));
  // Caddy reads a request over HTTP/1.1 to its end before it lets an answer go.
  await checkBehindProxy(t, behind, { isDuplex: false });
});

Deno.test("Caddy gets certificates for tunnels alone: tunnel-server answers what it asks", {
  ignore,
}, async (t) => {
  await using home = await TempDir.make();
  await using behind = await BehindProxy.start(caddyIn(home.path));
  await using origin = ScriptedOrigin.answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  await using tunnel = await behind.publish(origin);

  await t.step("a tunnel's first visitor gets one", async () => {
    using visitor = await behind.open(tunnel.url.hostname);
    assertEquals((await visitor.exchange(tunnel.write("/"))).text, "ok");
  });
  await t.step("so does the server's own host", async () => {
    using visitor = await behind.open("localhost");
    const host = `localhost:${behind.ports.proxy}`;
    assertEquals((await visitor.exchange(tunnel.write("/healthz", { host }))).text, "ok\n");
  });
  for (const name of [`${"a".repeat(52)}.tunnel.localhost`, "www.example.com"]) {
    await t.step(`${name} gets none`, async () => {
      await assertRejects(() => behind.open(name), Error, "InternalError");
    });
  }
});
