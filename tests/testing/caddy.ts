import type { StartProxy } from "./behind_proxy.ts";
import { type Change, FrontProxy, readConfiguration } from "./front_proxy.ts";

/** Starts Caddy with the deployed configuration, changed where a test wants it, with an authority of its own in place of a public one. */
export function caddyIn(home: string, changes: readonly Change[] = []): StartProxy {
  return async (ports) => {
    const file = `${home}/Caddyfile`;
    const configuration = readConfiguration("Caddyfile", [
      ...changes,
      ["127.0.0.1:6519", `127.0.0.1:${ports.server}`],
      ["127.0.0.1:6520", `127.0.0.1:${ports.clients}`],
      ["host tunnel.example.com", "host localhost"],
      ["{\n\ton_demand_tls", `{\n${OPTIONS}\n\thttps_port ${ports.proxy}\n\ton_demand_tls`],
    ]);
    await Deno.writeTextFile(file, configuration + ADDRESS_SITE);
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

/** A certificate for visitors that name no host over TLS, as slowhttptest: requests go by their Host all the same. */
const ADDRESS_SITE = "\nhttps://127.0.0.1 {\n\ttls internal\n}\n";
