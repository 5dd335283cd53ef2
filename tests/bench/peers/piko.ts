import { freePort } from "../../testing/free_port.ts";
import { type Peer, type PeerOptions, type RunningPeer, runningPeer } from "./peer.ts";
import { PeerProcess } from "./peer_process.ts";
import { programVersion } from "./program_version.ts";

/** The first label of the Host that its server chooses the client by. */
const ENDPOINT = "peer";

/** Piko, with one server, which is a cluster of its own. */
export const piko: Peer = {
  name: "piko",
  note: "HTTP by hostname in one WebSocket, not encrypted without its TLS settings",
  version: () => programVersion("piko", "--version"),
  start,
};

async function start({ originPort, link }: PeerOptions): Promise<RunningPeer> {
  await using started = new AsyncDisposableStack();
  const [port, upstreamPort] = [freePort(), freePort()];
  const server = started.use(PeerProcess.start("piko", [
    "server",
    ...["--proxy.bind-addr", `127.0.0.1:${port}`, "--proxy.access-log.disable"],
    ...["--upstream.bind-addr", `127.0.0.1:${upstreamPort}`],
    ...["--admin.bind-addr", `127.0.0.1:${freePort()}`],
    ...["--cluster.gossip.bind-addr", `127.0.0.1:${freePort()}`],
  ]));
  await server.find(/(starting upstream server)/);
  const near = await link(upstreamPort);
  const client = started.use(PeerProcess.start("piko", [
    ...["agent", "http", ENDPOINT, `${originPort}`, "--access-log.disable"],
    ...["--connect.url", `http://${near.hostname}:${near.port}`],
    ...["--server.bind-addr", `127.0.0.1:${freePort()}`],
  ]));
  return runningPeer(
    { port, host: `${ENDPOINT}.localhost:${port}`, sides: [server, client] },
    started,
  );
}
