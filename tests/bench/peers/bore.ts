import { type Peer, type PeerOptions, type RunningPeer, runningPeer } from "./peer.ts";
import { PeerProcess } from "./peer_process.ts";
import { programVersion } from "./program_version.ts";

/** Where its server listens for clients, which nothing can change. */
const CONTROL_PORT = 7835;

/** Bore, which opens a connection between its two sides for each visitor. */
export const bore: Peer = {
  name: "bore",
  note: "raw TCP, a connection for each visitor, not encrypted",
  version: () => programVersion("bore", "--version"),
  start,
};

async function start({ originPort, link }: PeerOptions): Promise<RunningPeer> {
  await using started = new AsyncDisposableStack();
  const server = started.use(PeerProcess.start("bore", ["server", "--bind-addr", "127.0.0.1"]));
  await server.find(/(server listening)/);
  const near = await link(CONTROL_PORT, CONTROL_PORT);
  const client = started.use(PeerProcess.start("bore", [
    ...["local", "--local-host", "127.0.0.1", "--to", near.hostname, `${originPort}`],
  ]));
  const port = Number(await client.find(/listening at \S+:(\d+)/));
  return runningPeer({ port, host: `127.0.0.1:${port}`, sides: [server, client] }, started);
}
