import { type Peer, type PeerOptions, type RunningPeer, runningPeer } from "./peer.ts";
import { PeerProcess } from "./peer_process.ts";

/**
 * The least that a tunnel made of `Deno.serve`, `Deno.upgradeWebSocket` and raw connections to the origin can cost. It is no
 * tunnel: it checks nothing, limits nothing, streams nothing and has no flow control.
 */
export const model: Peer = {
  name: "model",
  note: "two Deno programs of sixty lines that carry small answers, without any check, limit or " +
    "flow control: what such a tunnel costs at least",
  carriesSmallOnly: true,
  version: () => Promise.resolve(`Deno ${Deno.version.deno}`),
  start,
};

async function start({ originPort, link }: PeerOptions): Promise<RunningPeer> {
  await using started = new AsyncDisposableStack();
  const server = started.use(run("model_server.ts"));
  const port = Number(await server.find(/^(\d+)$/));
  const near = await link(port);
  const client = started.use(
    run("model_client.ts", `${near.hostname}:${near.port}`, `${originPort}`),
  );
  await client.find(/(connected)/);
  return runningPeer({ port, host: `127.0.0.1:${port}`, sides: [server, client] }, started);
}

function run(file: string, ...args: readonly string[]): PeerProcess {
  const script = new URL(file, import.meta.url).pathname;
  return PeerProcess.start(Deno.execPath(), ["run", "--allow-all", script, ...args]);
}
