import { freePort } from "../../testing/free_port.ts";
import { type Peer, type PeerOptions, type RunningPeer, runningPeer } from "./peer.ts";
import { PeerProcess } from "./peer_process.ts";
import { programVersion } from "./program_version.ts";

/** Chisel: SSH over a WebSocket. */
export const chisel: Peer = {
  name: "chisel",
  note: "raw TCP in one WebSocket, encrypted",
  version: () => programVersion("chisel", "--version"),
  start,
};

async function start({ originPort, link }: PeerOptions): Promise<RunningPeer> {
  await using started = new AsyncDisposableStack();
  const serverPort = freePort();
  const server = started.use(PeerProcess.start("chisel", [
    ...["server", "--reverse", "--host", "127.0.0.1", "--port", `${serverPort}`],
  ]));
  await server.find(/(Listening on)/);
  const near = await link(serverPort);
  const port = freePort();
  const client = started.use(PeerProcess.start("chisel", [
    "client",
    `http://${near.hostname}:${near.port}`,
    `R:127.0.0.1:${port}:127.0.0.1:${originPort}`,
  ]));
  await client.find(/(Connected)/);
  return runningPeer({ port, host: `127.0.0.1:${port}`, sides: [server, client] }, started);
}
