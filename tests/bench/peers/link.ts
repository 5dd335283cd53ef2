import { PeerProcess } from "./peer_process.ts";

/** Where something listens on this machine. */
export interface Address {
  readonly hostname: string;
  readonly port: number;
}

/**
 * Opens a way to a server's port and returns its near end, which listens on the port asked for, if any: not every
 * client can be told one.
 */
export type Link = (serverPort: number, port?: number) => Promise<Address>;

/** The loopback interface as it is. */
export const loopback: Link = (port) => Promise.resolve({ hostname: "127.0.0.1", port });

/** Makes links over a relay in a process of its own, which ends with the stack. */
export function delayedLink(milliseconds: number, owned: AsyncDisposableStack): Link {
  return async (serverPort, port = 0) => {
    const hostname = port === 0 ? "127.0.0.1" : OTHER_HOSTNAME;
    const relay = owned.use(PeerProcess.start(Deno.execPath(), [
      ...["run", "--allow-net", new URL("delaying_relay.ts", import.meta.url).href],
      ...[`${serverPort}`, hostname, `${port}`, `${milliseconds}`],
    ]));
    return { hostname, port: Number(await relay.find(/^(\d+)$/)) };
  };
}

/** Another address of the loopback interface, so that a fixed port is free there too. */
const OTHER_HOSTNAME = "127.0.0.2";
