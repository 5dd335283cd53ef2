import type { Link } from "./link.ts";

/** A program that publishes a local service, or a way without one. */
export interface Peer {
  readonly name: string;
  /** What a reader of its figures must know: what it carries, and whether it encrypts that. */
  readonly note: string;
  /** Whether nothing but small answers can be measured of it. */
  readonly carriesSmallOnly?: boolean;
  /** Tells its version; null when it is not installed. */
  version(): Promise<string | null>;
  /** Starts both of its sides; what it publishes may need a moment more to answer. */
  start(options: PeerOptions): Promise<RunningPeer>;
}

export interface PeerOptions {
  /** The port of the origin on this machine. */
  readonly originPort: number;
  /** The way from the client to the server, which the client must be sent through. */
  readonly link: Link;
}

/** A service that is published, until it is disposed. */
export interface RunningPeer extends AsyncDisposable {
  /** Where visitors connect to, on this machine. */
  readonly port: number;
  /** What visitors send as Host. */
  readonly host: string;
  /** The processes of both sides, without their children. */
  readonly pids: readonly number[];
}

/** Makes a peer of its two sides, and of all else that was started, which ends with it. */
export function runningPeer(
  { port, host, sides }: Pick<RunningPeer, "port" | "host"> & {
    readonly sides: readonly { readonly pid: number }[];
  },
  started: AsyncDisposableStack,
): RunningPeer {
  const owned = started.move();
  const pids = sides.map(({ pid }) => pid);
  return { port, host, pids, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
