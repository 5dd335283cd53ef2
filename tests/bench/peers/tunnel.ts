import config from "../../../deno.json" with { type: "json" };
import { freePort } from "../../testing/free_port.ts";
import { TempDir } from "../../testing/temp_dir.ts";
import { type Peer, type PeerOptions, type RunningPeer, runningPeer } from "./peer.ts";
import { PeerProcess } from "./peer_process.ts";
import { programVersion } from "./program_version.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;

/** The words that start each side. */
interface Commands {
  readonly server: readonly [string, ...string[]];
  readonly client: readonly [string, ...string[]];
}

const SOURCES: Commands = {
  server: [Deno.execPath(), "run", "--allow-all", `${ROOT}server.ts`],
  client: [Deno.execPath(), "run", "--allow-all", `${ROOT}client.ts`],
};

const EXECUTABLES: Commands = {
  server: [`${ROOT}dist/tunnel-server`],
  client: [`${ROOT}dist/tunnel-client`],
};

const NOTE = "HTTP by hostname in two WebSockets, not encrypted without --tls-cert";

/** This tunnel from its sources. */
export const tunnel: Peer = {
  name: "tunnel (deno run)",
  note: NOTE,
  version: () => Promise.resolve(`${config.version}, Deno ${Deno.version.deno}`),
  start: (options) => start(SOURCES, options),
};

/** This tunnel as the executables that `deno task compile` made. */
export const compiledTunnel: Peer = {
  name: "tunnel (compiled)",
  note: NOTE,
  version: () => programVersion(EXECUTABLES.server[0], "--version"),
  start: (options) => start(EXECUTABLES, options),
};

async function start(
  { server: [serverProgram, ...serverArgs], client: [clientProgram, ...clientArgs] }: Commands,
  { originPort, link }: PeerOptions,
): Promise<RunningPeer> {
  await using started = new AsyncDisposableStack();
  const { path } = started.use(await TempDir.make());
  const port = freePort();
  const near = await link(port);
  const url = `http://${near.hostname}:${near.port}`;
  const server = started.use(PeerProcess.start(serverProgram, [
    ...serverArgs,
    // A server takes only clients that were told a port of its own, or its public URL.
    ...["--hostname", "127.0.0.1", "--port", `${port}`, "--public-url", url],
  ]));
  await server.find(URL_AT_THE_END);
  const client = started.use(PeerProcess.start(clientProgram, [
    ...clientArgs,
    ...["--server", url, "--key", `${path}/key.pem`],
    ...["--host", "127.0.0.1", "--port", `${originPort}`],
  ]));
  const { host } = new URL(await client.find(URL_ALONE));
  return runningPeer({ port, host, sides: [server, client] }, started);
}

/** Either side says at last where it can be reached, the client on a line of its own. */
const URL_AT_THE_END = /(?:^|\s)(https?:\/\/[^\s"']+)$/;
const URL_ALONE = /^(https?:\/\/\S+)$/;
