import type { ByteStream } from "./byte_stream.ts";

/** Opens connections and takes some, as a runtime lets it be done; errors have the system's name for them in `code`. */
export interface Network {
  /** Connects over TCP; rejects with the signal's reason when it is aborted. */
  connect(place: TCPPlace, signal: AbortSignal): Promise<TCPConnection>;
  /** Connects to a socket in the file system, likewise. */
  connectUnix(path: string, signal: AbortSignal): Promise<ByteStream>;
  /** Has HTTP requests answered, which must not fail, and resolves when it listens; port 0 is any that is free. */
  serve(place: TCPPlace, answer: AnswerRequest): Promise<HTTPServer>;
}

/** Answers a request as a Host that is not checked has it, in `headers` and as the authority of `url`. */
export type AnswerRequest = (request: Request) => Promise<Response>;

/** What listens for HTTP requests. */
export interface HTTPServer {
  readonly port: number;
  /** Settles when it does not listen any more, and rejects when that was not asked for. */
  readonly ended: Promise<void>;
  /** Ends listening and idle connections, and resolves when all that is under way is answered. */
  shutdown(): Promise<void>;
}

/** Where something listens; the hostname is a name or an address, IPv6 without brackets. */
export interface TCPPlace {
  readonly hostname: string;
  readonly port: number;
}

/** A connection that may go over to TLS. */
export interface TCPConnection {
  /** What is read and written, until it goes over to TLS. Small writes are sent at once. */
  readonly stream: ByteStream;
  /**
   * Goes over to TLS, for HTTP/1.1, and resolves when the handshake is done.
   *
   * It rejects with what the runtime says of a failure; the connection is closed then, and when the signal aborts.
   */
  startTLS(options: TLSOptions): Promise<ByteStream>;
}

export interface TLSOptions {
  readonly signal: AbortSignal;
  /** The name that is asked for (SNI, RFC 6066 section 3) and that the certificate must have; an address without brackets. */
  readonly hostname: string;
  /** Authorities in PEM that are trusted beside the usual ones. */
  readonly authorities: readonly string[];
}
