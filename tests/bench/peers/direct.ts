import type { Peer, PeerOptions, RunningPeer } from "./peer.ts";

/** The origin without any tunnel, over the same link: what the others can reach at most. */
export const direct: Peer = {
  name: "direct",
  note: "no tunnel: what the service, the load and the link allow",
  version: () => Promise.resolve(`Deno ${Deno.version.deno}`),
  start,
};

async function start({ originPort, link }: PeerOptions): Promise<RunningPeer> {
  const { port } = await link(originPort);
  return {
    port,
    host: `127.0.0.1:${port}`,
    pids: [],
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
