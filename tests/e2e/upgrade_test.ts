import { assert, assertEquals, assertMatch } from "@std/assert";
import type { StartProxy } from "../testing/behind_proxy.ts";
import { caddyIn } from "../testing/caddy.ts";
import { eventually } from "../testing/eventually.ts";
import { freePort } from "../testing/free_port.ts";
import { freePorts, isInstalled } from "../testing/front_proxy.ts";
import { LongVisits } from "../testing/long_visits.ts";
import { nginxIn } from "../testing/nginx.ts";
import { Program } from "../testing/program.ts";
import { SampleOrigin } from "../testing/sample_origin.ts";
import { SteadyLoad } from "../testing/steady_load.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { ServiceManager } from "./service_manager.ts";

/** Requests a second during an upgrade. */
const RATE = 200;

/** Starts a proxy with the deployed configuration, and with a port for visitors without TLS beside its own. */
type StartPlainProxy = (folder: string, plain: number) => StartProxy;

const PROXIES: Readonly<Record<"nginx" | "caddy", StartPlainProxy>> = {
  nginx: (folder, plain) =>
    nginxIn(folder, [["gzip off;", `gzip off;\n    listen 127.0.0.1:${plain};`]]),
  caddy: (folder, plain) => caddyIn(folder, [["\nhttps:// {", `\nhttp://:${plain}, https:// {`]]),
};

for (const [name, startPlainProxy] of Object.entries(PROXIES)) {
  Deno.test({
    name: `tunnel-upgrade behind ${name} loses no request and cuts nothing, and leaves a server ` +
      "alone when the new one does not start",
    // Elsewhere there is no systemd, and two processes cannot share a port.
    ignore: Deno.build.os !== "linux" || !isInstalled(name),
  }, async (t) => {
    await using folder = await TempDir.make();
    await Deno.chmod(folder.path, 0o755);
    const ports = freePorts();
    const plain = freePort();
    const env: Record<string, string> = {
      TUNNEL_PORT: `${ports.server}`,
      TUNNEL_CLIENT_PORT: `${ports.clients}`,
      TUNNEL_DOMAIN: "tunnel.localhost",
      TUNNEL_PUBLIC_URL: `https://localhost:${ports.proxy}`,
    };
    await using manager = await ServiceManager.start({
      folder: folder.path,
      unit: "tunnel-server@.service",
      environmentFile: "behind-proxy.env",
      command: [Deno.execPath(), "run", "--allow-all", "server.ts"],
      env,
    });
    const upgrade = () => runUpgrade(manager);
    assertMatch((await upgrade()).said, /^tunnel-server@1 serves now$/m);
    const { proxy, authorityFile } = await startPlainProxy(folder.path, plain)(ports);
    await using _proxy = proxy;
    await using origin = SampleOrigin.start();
    await using client = await Program.start("client.ts", [
      ...["--server", `https://localhost:${ports.proxy}`, "--server-ca", authorityFile],
      `127.0.0.1:${origin.port}`,
    ]);
    const host = `${client.url.hostname}:${plain}`;

    await t.step("the other instance is ready before the first one stops", async () => {
      await using load = SteadyLoad.start({
        rate: RATE,
        port: () => plain,
        host,
        expected: "It works",
      });
      await load.more(RATE);
      await using long = LongVisits.start({ port: plain, host });
      await load.more(RATE);
      manager.calls.length = 0;
      const upgrading = upgrade();
      await eventually(
        "the first one to be stopped",
        () => manager.calls.includes("stop tunnel-server@1"),
      );
      await load.more(RATE);
      await long.finish();
      assertMatch((await upgrading).said, /^tunnel-server@2 serves now$/m);
      await load.more(RATE);
      const { made, failed, reasons, retriedKept, retriedFresh } = await load.stop();
      console.log(`${made} requests, ${failed} failed, sent again ${retriedKept + retriedFresh}`);
      assertEquals({ failed, reasons }, { failed: 0, reasons: {} }, `of ${made}`);
      assertEquals(manager.calls, [
        "is-active tunnel-server@1",
        "is-active tunnel-server@2",
        "stop tunnel-server@2",
        "start tunnel-server@2",
        "enable tunnel-server@2",
        "disable tunnel-server@1",
        "stop tunnel-server@1",
      ]);
      assertEquals(client.stdout.all.length, 1);
      assert(!`${client.stderr}`.includes("not connected"), `${client.stderr}`);
    });

    await t.step("one that does not start is said, and the one that runs goes on", async () => {
      env["TUNNEL_MAX_BODY"] = "no size";
      const { code, said } = await upgrade();
      assertEquals(code, 1);
      assertMatch(
        said,
        /^tunnel-server@1 does not start, and tunnel-server@2 goes on: journalctl/m,
      );
      assert(manager.service("tunnel-server@2").isRunning);
    });
  });
}

/** Runs the deployed script, as root would. */
async function runUpgrade(
  { path }: ServiceManager,
): Promise<{ readonly code: number; readonly said: string }> {
  const { code, stdout, stderr } = await new Deno.Command(".github/deploy/tunnel-upgrade", {
    env: { PATH: `${path}:${Deno.env.get("PATH")}` },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, said: decoder.decode(stdout) + decoder.decode(stderr) };
}
