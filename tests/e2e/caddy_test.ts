import { assertEquals, assertRejects } from "@std/assert";
import { BehindProxy, checkBehindProxy, type StartProxy } from "../testing/behind_proxy.ts";
import { FrontProxy, isInstalled, readConfiguration } from "../testing/front_proxy.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { temporaryFolder } from "../testing/temporary_folder.ts";

const ignore = !isInstalled("caddy");

Deno.test("Behind Caddy, with certificates on demand", { ignore }, async (t) => {
  await using home = await temporaryFolder();
  await using behind = await BehindProxy.start(caddyIn(home.path));
  // Caddy reads a request over HTTP/1.1 to its end before it lets an answer go.
  await checkBehindProxy(t, behind, { isDuplex: false });
});

Deno.test("Caddy gets certificates for tunnels alone: tunnel-server answers what it asks", {
  ignore,
}, async (t) => {
  await using home = await temporaryFolder();
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

/** Starts Caddy with the deployed configuration, with an authority of its own in place of a public one. */
function caddyIn(home: string): StartProxy {
  return async (ports) => {
    const file = `${home}/Caddyfile`;
    const configuration = readConfiguration("Caddyfile", [
      ["127.0.0.1:6519", `127.0.0.1:${ports.server}`],
      ["{\n\ton_demand_tls", `{\n${OPTIONS}\n\thttps_port ${ports.proxy}\n\ton_demand_tls`],
    ]);
    await Deno.writeTextFile(file, configuration);
    const proxy = await FrontProxy.start("caddy", {
      args: ["run", "--config", file],
      env: { HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home },
      ready: /serving initial configuration/,
    });
    return { proxy, authorityFile: `${home}/caddy/pki/authorities/local/root.crt` };
  };
}

const OPTIONS = ["admin off", "local_certs", "skip_install_trust", "auto_https disable_redirects"]
  .concat("default_bind 127.0.0.1").map((option) => `\t${option}`).join("\n");
