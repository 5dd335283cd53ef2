import { assertEquals, assertMatch } from "@std/assert";
import { BehindProxy, checkBehindProxy, type StartProxy } from "../testing/behind_proxy.ts";
import { CERTIFICATE } from "../testing/certificate.ts";
import { FrontProxy, isInstalled, readConfiguration } from "../testing/front_proxy.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { temporaryFolder } from "../testing/temporary_folder.ts";

const ignore = !isInstalled("nginx");

Deno.test("Behind nginx, with a wildcard certificate", { ignore }, async (t) => {
  await using folder = await temporaryFolder();
  await using behind = await BehindProxy.start(nginxIn(folder.path));
  await checkBehindProxy(t, behind, { isDuplex: true });
});

Deno.test(
  "A service behind a tunnel cannot steer nginx with X-Accel fields",
  { ignore },
  async () => {
    await using folder = await temporaryFolder();
    await using behind = await BehindProxy.start(nginxIn(folder.path));
    await using origin = ScriptedOrigin.answering(
      "HTTP/1.1 200 OK\r\nX-Accel-Redirect: /elsewhere\r\nContent-Length: 2\r\n\r\nok",
    );
    await using tunnel = await behind.publish(origin);
    using visitor = await behind.open(tunnel.url.hostname);
    assertEquals((await visitor.exchange(tunnel.write("/"))).text, "ok");
    assertEquals(origin.requestCount, 1);
  },
);

Deno.test("Behind nginx an unknown tunnel is explained by tunnel-server", { ignore }, async () => {
  await using folder = await temporaryFolder();
  await using behind = await BehindProxy.start(nginxIn(folder.path));
  const host = `${"a".repeat(52)}.tunnel.localhost`;
  using visitor = await behind.open(host);
  const response = await visitor.exchange(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  assertEquals(response.status, 404);
  assertMatch(response.text, /tunnel/);
});

/** Starts nginx with the deployed configuration, and the certificate of the tests. */
function nginxIn(folder: string): StartProxy {
  return async (ports) => {
    const { certFile, keyFile } = CERTIFICATE;
    const site = readConfiguration("nginx.conf", [
      ["127.0.0.1:6519", `127.0.0.1:${ports.server}`],
      ["tunnel.example.com *.tunnel.example.com;", "localhost *.tunnel.localhost;"],
      ["    listen [::]:443 ssl http2;\n", ""],
      ["    listen [::]:80;\n", ""],
      ["listen 443 ", `listen 127.0.0.1:${ports.proxy} `],
      ["listen 80;", `listen unix:${folder}/redirect.socket;`],
      ["/etc/ssl/tunnel/fullchain.pem", certFile],
      ["/etc/ssl/tunnel/privkey.pem", keyFile],
    ]);
    await Deno.writeTextFile(`${folder}/tunnel.conf`, site);
    await Deno.writeTextFile(`${folder}/nginx.conf`, mainConfiguration(folder));
    const proxy = await FrontProxy.start("nginx", {
      args: ["-p", folder, "-c", `${folder}/nginx.conf`, "-e", "stderr"],
      ready: /start worker process /,
    });
    return { proxy, authorityFile: certFile };
  };
}

/** Writes what the system's nginx.conf has around a site, as a user without rights can run it. */
function mainConfiguration(folder: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `  ${name}_temp_path ${folder}/${name};`);
  return [
    "daemon off;",
    "worker_processes 1;",
    "error_log stderr notice;",
    `pid ${folder}/nginx.pid;`,
    "events {}",
    "http {",
    "  access_log off;",
    "  gzip on;",
    ...temporary,
    `  include ${folder}/tunnel.conf;`,
    "}",
  ].join("\n");
}
