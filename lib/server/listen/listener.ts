import { authorityOf } from "../../net/authority.ts";
import { systemCode, systemReason } from "../../net/system_reason.ts";
import type { Log } from "../../cli/log.ts";
import type { Certificate } from "../tls/certificate_source.ts";
import type { ConnectionBounds, ConnectionObserver } from "./connection_bounds.ts";
import type { RequestObserver, VisitHandler } from "./visit.ts";

/** The kinds of listeners, the usual one first: `Deno.serve`, or sockets that this server reads and writes itself. */
export const LISTENER_KINDS: readonly ["serve", "own"] = ["serve", "own"];

/** What reads visitors' connections. */
export type ListenerKind = "serve" | "own";

/** What a listener is opened with, of whatever kind. */
export interface ListenerOptions {
  readonly hostname: string;
  /** 0 lets the system choose; the choice is kept when the listener must be made anew. */
  readonly port: number;
  /** Lets other sockets of this user, of this process too, listen on the port as well; each connection goes to one of them. */
  readonly reusePort: boolean;
  /** For HTTPS with HTTP/1.1 and HTTP/2. */
  readonly tls: Certificate | null;
  /** Seconds for which browsers are to come by HTTPS alone (RFC 6797 section 6.1), said with each answer over TLS. @default it is not said */
  readonly hsts?: number | null;
  /** What connections may take, where the listener can tell. @default USUAL_BOUNDS */
  readonly bounds?: ConnectionBounds;
  /** Whether proxies begin each connection with whom it comes from (the PROXY protocol), where the listener reads it. @default false */
  readonly proxyProtocol?: boolean;
  /** Is told why connections end. @default nobody */
  readonly connections?: ConnectionObserver;
  readonly handler: VisitHandler;
  readonly observers: readonly RequestObserver[];
  readonly log: Log;
}

/** Accepts connections on one port and hands each request to its handler, as a visit. */
export interface Listener {
  readonly port: number;
  /** Connections that are open, where the listener can tell. */
  readonly open?: number;
  /** Whether what is connected goes on while the certificate is renewed. */
  readonly renewsInPlace?: boolean;
  /** Says with the next answer on each connection of HTTP/1.1 that the connection ends, while new ones are still accepted. */
  dismiss(): void;
  /** Leaves new connections to other processes that listen on the port, while what is under way goes on. */
  stopAccepting?(): Promise<void>;
  /** Stops accepting at once and resolves when the requests in flight are answered. */
  shutdown(): Promise<void>;
  /** Tries a certificate. @throws {Deno.errors.InvalidData | TypeError} when it cannot be used. */
  check(tls: Certificate): Promise<void>;
  /**
   * Serves with another certificate, which `check` has found good.
   *
   * @returns what brings what came by the old one to its end, as `shutdown` does, when that was not done already.
   */
  renew(tls: Certificate): () => Promise<void>;
}

/** Opens a listener of one kind. @throws {ListenError} when it cannot listen. */
export type Listen = (options: ListenerOptions) => Listener;

/** Says that a port cannot be listened on, why, and what to do; its cause is what the system said. */
export class ListenError extends Error {
  /** The name of the class. */
  override readonly name = "ListenError";
  /** The same for all of them. */
  readonly code = "CANNOT_LISTEN";
  /** Makes the sentence of what the system said. */
  constructor(
    { hostname, port }: Pick<ListenerOptions, "hostname" | "port">,
    cause: unknown,
  ) {
    const place = authorityOf({ host: hostname, port });
    const advice = adviceOn(systemCode(cause), port);
    super(`cannot listen on ${place}: ${systemReason(cause)}${advice}`, { cause });
  }
}

/** The first port that any user may listen on. */
const FIRST_FREE_PORT = 1024;

function adviceOn(code: string, port: number): string {
  switch (code) {
    case "EADDRINUSE":
      return "; stop what listens there, or take another port";
    case "EACCES":
    case "EPERM":
      return port < FIRST_FREE_PORT
        ? `; ports below ${FIRST_FREE_PORT} are root's: take another one, or have a service manager ` +
          "allow it (CAP_NET_BIND_SERVICE)"
        : "";
    case "EADDRNOTAVAIL":
    case "EAI_NONAME":
      return "; check --hostname";
    default:
      return "";
  }
}
