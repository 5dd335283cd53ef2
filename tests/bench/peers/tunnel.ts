import config from "../../../deno.json" with { type: "json" };
import { freePort } from "../../testing/free_port.ts";
import { TempDir } from "../../testing/temp_dir.ts";
import { type Peer, type PeerOptions, type RunningPeer, runningPeer } from "./peer.ts";
import { PeerProcess } from "./peer_process.ts";
import { programVersion } from "./program_version.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;

/** The words that start each side. */
interface Commands {
  readonly server: Words;
  readonly client: Words;
  /** The words behind the client's, where it serves what listens on a port. */
  readonly service: (call: Call) => readonly string[];
}

type Words = readonly [string, ...string[]];

interface Call {
  readonly server: string;
  /** A folder for its key. */
  readonly folder: string;
  readonly originPort: number;
}

const SCRIPT: Words = [Deno.execPath(), "run", "--allow-all"];

const SOURCES: Commands = {
  server: [...SCRIPT, `${ROOT}server.ts`],
  client: [...SCRIPT, `${ROOT}client.ts`],
  service: localPort,
};

const OWN_LISTENER: Commands = {
  ...SOURCES,
  server: [...SOURCES.server, "--listener", "own"],
};

const EXECUTABLES: Commands = {
  server: [`${ROOT}dist/tunnel-server`],
  client: [`${ROOT}dist/tunnel-client`],
  service: localPort,
};

const HANDLER: Commands = {
  server: SOURCES.server,
  client: [...SCRIPT, `${ROOT}tests/bench/peers/handler_client.ts`],
  service: ({ server }) => [server],
};

function localPort({ server, folder, originPort }: Call): readonly string[] {
  return [
    ...["--server", server, "--key", `${folder}/key.pem`],
    ...["--host", "127.0.0.1", "--port", `${originPort}`],
  ];
}

const NOTE = "HTTP by hostname in two WebSockets, not encrypted without --tls-cert";

/** This tunnel from its sources. */
export const tunnel: Peer = {
  name: "tunnel (deno run)",
  note: NOTE,
  version: () => Promise.resolve(`${config.version}, Deno ${Deno.version.deno}`),
  start: (options) => start(SOURCES, options),
};

/** This tunnel with the server's own listener. */
export const ownListenerTunnel: Peer = {
  name: "tunnel, --listener own",
  note: NOTE,
  version: () => Promise.resolve(`${config.version}, Deno ${Deno.version.deno}`),
  start: (options) => start(OWN_LISTENER, options),
};

/** This tunnel as the executables that `deno task compile` made. */
export const compiledTunnel: Peer = {
  name: "tunnel (compiled)",
  note: NOTE,
  version: () => programVersion(EXECUTABLES.server[0], "--version"),
  start: (options) => start(EXECUTABLES, options),
};

/** This tunnel, published from code: nothing listens on a port beside the server. */
export const handler: Peer = {
  name: "serve(handler)",
  note: "this server, and a program that publishes a handler which answers as the service does",
  carriesSmallOnly: true,
  version: () => Promise.resolve(`${config.version}, Deno ${Deno.version.deno}`),
  start: (options) => start(HANDLER, options),
};

async function start(
  { server: [serverProgram, ...serverArgs], client: [clientProgram, ...clientArgs], service }:
    Commands,
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
    ...service({ server: url, folder: path, originPort }),
  ]));
  const { host } = new URL(await client.find(URL_ALONE));
  return runningPeer({ port, host, sides: [server, client] }, started);
}

/** Either side says at last where it can be reached, the client on a line of its own. */
const URL_AT_THE_END = /(?:^|\s)(https?:\/\/[^\s"']+)$/;
const URL_ALONE = /^(https?:\/\/\S+)$/;
