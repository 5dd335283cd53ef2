import type { StartProxy } from "./behind_proxy.ts";
import { CERTIFICATE } from "./certificate.ts";
import { type Change, FrontProxy, readConfiguration } from "./front_proxy.ts";

/** Starts nginx with the deployed configuration, changed where a test wants it wrong, and the certificate of the tests. */
export function nginxIn(folder: string, changes: readonly Change[] = []): StartProxy {
  return async (ports) => {
    const { certFile, keyFile } = CERTIFICATE;
    const site = readConfiguration("nginx.conf", [
      ...changes,
      ["127.0.0.1:6519", `127.0.0.1:${ports.server}`],
      ["127.0.0.1:6520", `127.0.0.1:${ports.clients}`],
      ["tunnel.example.com/proxy", "localhost/proxy"],
      ["tunnel.example.com *.tunnel.example.com;", "localhost *.tunnel.localhost;"],
      ["    listen [::]:443 ssl http2;\n", ""],
      ["    listen [::]:80;\n", ""],
      ["listen 443 ", `listen 127.0.0.1:${ports.proxy} `],
      ["listen 80;", `listen unix:${folder}/redirect.socket;`],
      ["/etc/ssl/tunnel/fullchain.pem", certFile],
      ["/etc/ssl/tunnel/privkey.pem", keyFile],
    ]);
    // As root, nginx has workers of another user, who keep bodies here.
    await Deno.chmod(folder, 0o755);
    await Deno.writeTextFile(`${folder}/tunnel.conf`, site);
    await Deno.writeTextFile(`${folder}/nginx.conf`, mainConfiguration(folder));
    const proxy = await FrontProxy.start("nginx", {
      args: ["-p", folder, "-c", `${folder}/nginx.conf`, "-e", "stderr"],
      ready: /start worker process /,
    });
    return { proxy, authorityFile: certFile };
  };
}

/** Connections of one worker, visitors' and the server's together: 512 by default, which a slow attack takes up. */
const WORKER_CONNECTIONS = 8_192;

/** Writes what the system's nginx.conf has around a site, as a user without rights can run it. */
function mainConfiguration(folder: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `  ${name}_temp_path ${folder}/${name};`);
  return [
    "daemon off;",
    "worker_processes 1;",
    "error_log stderr notice;",
    `pid ${folder}/nginx.pid;`,
    `events { worker_connections ${WORKER_CONNECTIONS}; }`,
    "http {",
    "  access_log off;",
    "  gzip on;",
    ...temporary,
    `  include ${folder}/tunnel.conf;`,
    "}",
  ].join("\n");
}
