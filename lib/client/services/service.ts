import type { RequestHead } from "../../http/head.ts";
import type { Stream } from "../../mux/stream.ts";

/**
 * The accepting end of an exchange: what a service may do with it. A class with private members could be neither
 * wrapped nor replayed, hence its public members alone.
 */
export type Incoming = Pick<
  Stream,
  | "type"
  | "receiveEnded"
  | "sendEnded"
  | "read"
  | "readNow"
  | "respond"
  | "write"
  | "end"
  | "writeMessage"
  | "teardown"
  | "reset"
  | "onAbort"
>;

/** Answers the requests and WebSockets of a tunnel: a local HTTP service, or a handler in this process. */
export interface Service {
  /** Serves one exchange to its end; every failure ends in its Reset. Never rejects. */
  serve(incoming: Incoming, head: RequestHead): Promise<void>;
  /** Lets go of what it keeps for the next exchange; those under way go on. */
  close(): void;
}
