import type { RequestHead } from "../../http/head.ts";
import type { Stream } from "../../mux/stream.ts";

/**
 * The accepting end of an exchange: what a service may do with it.
 *
 * These are the public members of a stream and not the class, for nothing else could take the place of a class with
 * private members: a service can be wrapped by another one, and a request can be replayed without a stream.
 */
export type Incoming = Pick<
  Stream,
  | "type"
  | "receiveEnded"
  | "trailers"
  | "sendEnded"
  | "read"
  | "readNow"
  | "sendInterim"
  | "respond"
  | "credit"
  | "write"
  | "sendTrailers"
  | "end"
  | "writeMessage"
  | "teardown"
  | "reset"
  | "onAbort"
>;

/** Answers the requests and WebSockets of a tunnel: a local HTTP service, or a handler in this process. */
export interface Service {
  /**
   * Serves one exchange to its end; never rejects, for a failure ends in a Reset of the exchange.
   *
   * It is called as soon as the head is there. `receiveEnded` then says that the request has no body; after the first
   * wait it may say so of a body that came meanwhile and was not read yet.
   */
  serve(incoming: Incoming, head: RequestHead): Promise<void>;
  /** Lets go of what it keeps for later exchanges; those under way go on. */
  close(): void;
}

/** Hears a sentence for the owner. Of a mistake of this program's own comes what was thrown, too, for those who mend it. */
export type TroubleHearer = (sentence: string, mistake?: Error) => void;
