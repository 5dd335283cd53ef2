import { TempDir } from "../../testing/temp_dir.ts";
import { freePort } from "../../testing/free_port.ts";
import { type Peer, type PeerOptions, type RunningPeer, runningPeer } from "./peer.ts";
import { PeerProcess } from "./peer_process.ts";
import { programVersion } from "./program_version.ts";

/** Where Debian has it; it is started by its full path since it starts itself again. */
const SSHD = "/usr/sbin/sshd";

/** OpenSSH's remote forwarding, with a server, keys and configuration of its own. */
export const ssh: Peer = {
  name: "ssh -R",
  note: "raw TCP in one connection, encrypted",
  version: async () => await programVersion(SSHD, "-V") && await programVersion("ssh", "-V"),
  start,
};

async function start({ originPort, link }: PeerOptions): Promise<RunningPeer> {
  await using started = new AsyncDisposableStack();
  const { path } = started.use(await TempDir.make());
  for (const key of ["host", "user"]) await makeKey(`${path}/${key}`);
  const serverPort = freePort();
  const config = [
    "ListenAddress 127.0.0.1",
    `Port ${serverPort}`,
    `HostKey ${path}/host`,
    `AuthorizedKeysFile ${path}/user.pub`,
    "PasswordAuthentication no",
    "AllowTcpForwarding remote",
    "PidFile none",
    // The folder is in a place that anybody may write to.
    "StrictModes no",
    "UsePAM no",
  ];
  await Deno.writeTextFile(`${path}/sshd_config`, `${config.join("\n")}\n`);
  const server = started.use(
    PeerProcess.start(SSHD, ["-D", "-e", "-f", `${path}/sshd_config`]),
  );
  await server.find(/(Server listening) on/);
  const near = await link(serverPort);
  const client = started.use(PeerProcess.start("ssh", [
    ...["-F", "none", "-N", "-i", `${path}/user`, "-p", `${near.port}`],
    ...["-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes"],
    ...["-o", "StrictHostKeyChecking=no", "-o", `UserKnownHostsFile=${path}/known_hosts`],
    ...["-R", `127.0.0.1:0:127.0.0.1:${originPort}`, near.hostname],
  ]));
  const port = Number(await client.find(/^Allocated port (\d+) /));
  return runningPeer({ port, host: `127.0.0.1:${port}`, sides: [server, client] }, started);
}

async function makeKey(file: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("ssh-keygen", {
    args: ["-q", "-t", "ed25519", "-N", "", "-f", file],
  }).output();
  if (!success) throw new Error(`ssh-keygen failed: ${new TextDecoder().decode(stderr)}`);
}
