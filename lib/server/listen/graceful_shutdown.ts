import { waitAtMost } from "../../net/with_timeout.ts";
import type { ClientSessions } from "../tunnels/client_sessions.ts";

/** Milliseconds that clients have to connect elsewhere before this process takes no more visitors: most need 300 ms. */
const MOVING = 1_000;

/** Milliseconds, at most, in which no new request is accepted, so that the last ones can finish. */
const CLOSING = 5_000;

/** Milliseconds after the drain, at least, for the last bytes to reach their visitors. */
const SHUTDOWN_TIMEOUT = 1_000;

/** Milliseconds in which a moment without any stream is looked for, when those from before are finished: a busy server may have none. */
const QUIET_WITHIN = 1_000;

/** Milliseconds between looks for a moment in which nothing is under way. */
const LOOK_AGAIN = 5;

/** The sessions of clients that are told to go elsewhere. */
export type LeavingSessions = Pick<
  ClientSessions,
  "goAway" | "leaving" | "finishing" | "load" | "drain" | "close"
>;

export interface GracefulShutdownOptions {
  readonly clientSessions: LeavingSessions;
  /** Says how much there is of visitors that the end of a listener cuts: WebSockets, and bodies that still come. */
  readonly fragile: () => number;
  /** Tells the other nodes, whose links end with the listener that they came by, and resolves when their requests are answered; it has so many milliseconds. */
  readonly leaveNodes: (time: number) => Promise<void>;
  /** Milliseconds that what is in flight may take to finish, all in all. */
  readonly drainTimeout: number;
  /** Whether another process, or another socket, may listen on the same ports already. */
  readonly isShared: boolean;
  /**
   * Leaves new visitors to the other process, where the listener can go on with those that it has; null where it cannot.
   * Resolves when no new request comes here.
   */
  readonly stopAccepting: () => Promise<void> | null;
  /** Shuts the listener for visitors; resolves when their requests are answered. */
  readonly shutPublic: () => Promise<void>;
  /** Shuts the one for clients; null when there is one for both. */
  readonly shutClients: (() => Promise<void>) | null;
}

/**
 * Leaves the place to the next process or socket without losing what is in flight.
 *
 * Clients are told first and go on serving what comes here until the end. `Deno.HttpServer.shutdown` closes each
 * WebSocket at once with 1001 and cuts each request body that is not here yet, while answers are finished. Therefore
 * the public listener is shut when it has neither, the clients' when no stream is left. A listener that can stop to accept
 * does so first where another process has the port too, and all that it has may go on until the end.
 */
export async function shutDownGracefully(options: GracefulShutdownOptions): Promise<void> {
  const { clientSessions, fragile, leaveNodes, drainTimeout } = options;
  const { isShared, stopAccepting, shutPublic, shutClients } = options;
  const end = performance.now() + drainTimeout;
  const closing = end - Math.min(CLOSING, drainTimeout / 4);
  const isQuiet = (): boolean => clientSessions.load === 0 && fragile() === 0;
  const stopping = stopAccepting();
  // A visitor that still asks here finds its tunnel until then.
  if (stopping !== null) await waitAtMost(timeTo(closing), stopping);
  clientSessions.goAway("the server is being restarted");
  if (shutClients !== null || isShared) {
    await until(() => clientSessions.leaving === 0, Math.min(closing, performance.now() + MOVING));
  }
  await waitAtMost(timeTo(closing), leaveNodes(timeTo(closing)));
  if (shutClients !== null) {
    await until(() => fragile() === 0, closing);
    await waitAtMost(timeTo(end), shutPublic());
    await waitAtMost(timeTo(end), clientSessions.drain());
  } else {
    await until(() => !clientSessions.finishing, closing);
    const quietBy = stopping === null ? performance.now() + QUIET_WITHIN : closing;
    await until(isQuiet, Math.min(closing, quietBy));
    // A request that comes from here on is told to try again.
    if (!isQuiet()) {
      await waitAtMost(Math.min(CLOSING, timeTo(end)), clientSessions.drain());
    }
  }
  clientSessions.close();
  // What has come from the clients may still be on its way to visitors.
  const left = Math.max(SHUTDOWN_TIMEOUT, timeTo(end));
  await waitAtMost(left, (shutClients ?? shutPublic)());
}

/** Waits until the check holds, or the clock of `performance.now()` shows `end`. */
async function until(check: () => boolean, end: number): Promise<void> {
  while (!check() && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
  }
}

/** Returns the milliseconds until the clock of `performance.now()` shows `end`. */
function timeTo(end: number): number {
  return Math.max(0, end - performance.now());
}
