import { messageOf } from "../../cli/safe_text.ts";
import type { Log } from "../../cli/log.ts";
import type { Certificate } from "../tls/certificate_source.ts";
import type { RequestObserver, VisitHandler } from "./visit.ts";

/** What a listener is opened with, of whatever kind. */
export interface ListenerOptions {
  readonly hostname: string;
  /** 0 lets the system choose; the choice is kept when the listener must be made anew. */
  readonly port: number;
  /** Lets other sockets of this user, of this process too, listen on the port as well; each connection goes to one of them. */
  readonly reusePort: boolean;
  /** For HTTPS with HTTP/1.1 and HTTP/2. */
  readonly tls: Certificate | null;
  readonly handler: VisitHandler;
  readonly observers: readonly RequestObserver[];
  readonly log: Log;
}

/** Accepts connections on one port and hands each request to its handler, as a visit. */
export interface Listener {
  readonly port: number;
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

/** Says that a port cannot be listened on; its cause is what the system said. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly code = "CANNOT_LISTEN";
  constructor(readonly port: number, cause: unknown) {
    super(`cannot listen on port ${port}: ${messageOf(cause)}`, { cause });
  }
}
