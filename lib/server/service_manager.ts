import { join } from "node:path";
import { systemReason } from "../net/system_reason.ts";
import type { Log } from "../cli/log.ts";

/**
 * Tells who started this program that it is ready now, where that one wants to know: systemd does, for a unit of
 * `Type=notify`, and gives the path of a socket in NOTIFY_SOCKET (sd_notify(3)).
 */
export async function tellReady(socket: string | undefined, log: Log): Promise<void> {
  if (socket === undefined || socket === "") return;
  try {
    await send(socket, "READY=1");
  } catch (error) {
    const reason = systemReason(error);
    log.error("the service manager cannot be told that this program is ready", { socket, reason });
  }
}

/** Sends a datagram to a socket in the file system, from one that is there for as long as that takes. */
async function send(path: string, text: string): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tunnel-" });
  try {
    using own = listenAt(join(folder, "own"));
    await own.socket.send(new TextEncoder().encode(text), { transport: "unixpacket", path });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function listenAt(path: string): Disposable & { readonly socket: Deno.DatagramConn } {
  const socket = Deno.listenDatagram({ transport: "unixpacket", path });
  return { socket, [Symbol.dispose]: () => socket.close() };
}
