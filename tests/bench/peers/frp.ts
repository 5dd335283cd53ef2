import { TempDir } from "../../testing/temp_dir.ts";
import { freePort } from "../../testing/free_port.ts";
import { type Peer, type PeerOptions, type RunningPeer, runningPeer } from "./peer.ts";
import { PeerProcess } from "./peer_process.ts";
import { programVersion } from "./program_version.ts";

const DOMAIN = "peer.localhost";

/** Frp, as it is used for HTTP: one port for all, and the Host decides. */
export const frp: Peer = {
  name: "frp",
  note: "HTTP by hostname in one connection, encrypted (its default)",
  version: async () =>
    await programVersion("frps", "--version") && await programVersion("frpc", "--version"),
  start,
};

async function start({ originPort, link }: PeerOptions): Promise<RunningPeer> {
  await using started = new AsyncDisposableStack();
  const { path } = started.use(await TempDir.make());
  const serverPort = freePort();
  const port = freePort();
  await writeConfig(`${path}/frps.toml`, [
    'bindAddr = "127.0.0.1"',
    `bindPort = ${serverPort}`,
    'proxyBindAddr = "127.0.0.1"',
    `vhostHTTPPort = ${port}`,
  ]);
  const server = started.use(PeerProcess.start("frps", ["-c", `${path}/frps.toml`]));
  await server.find(/(frps started successfully)/);
  const near = await link(serverPort);
  await writeConfig(`${path}/frpc.toml`, [
    `serverAddr = "${near.hostname}"`,
    `serverPort = ${near.port}`,
    "[[proxies]]",
    'name = "origin"',
    'type = "http"',
    'localIP = "127.0.0.1"',
    `localPort = ${originPort}`,
    `customDomains = ["${DOMAIN}"]`,
  ]);
  const client = started.use(PeerProcess.start("frpc", ["-c", `${path}/frpc.toml`]));
  await client.find(/(start proxy success)/);
  return runningPeer({ port, host: `${DOMAIN}:${port}`, sides: [server, client] }, started);
}

async function writeConfig(file: string, lines: readonly string[]): Promise<void> {
  await Deno.writeTextFile(file, `${lines.join("\n")}\n`);
}
