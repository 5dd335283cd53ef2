/**
 * Answers one request, as a handler of `Deno.serve` does.
 *
 * `request.signal` aborts when the visitor leaves, and bodies stream both ways, no faster than the other side reads.
 */
export type Handler<Info = HandlerInfo> = (
  request: Request,
  info: Info,
) => Response | Promise<Response>;

/** Where a visitor is, as `Deno.serve` tells it. */
export interface VisitorAddress {
  /** How the visitor reached the server. */
  readonly transport: "tcp";
  /** The visitor's IP address: the first one in `X-Forwarded-For`, which is as true as the proxies that the server trusts. */
  readonly hostname: string;
  /** Always 0, for servers do not tell the port. */
  readonly port: number;
}

/** What is known of a request beside the request itself. */
export interface HandlerInfo {
  /** Where the visitor is. */
  readonly remoteAddr: VisitorAddress;
  /**
   * Resolves when the whole answer is on its way, or the WebSocket is closed; rejects when the visitor left before, or
   * the answer broke off. Nothing has to listen to it.
   */
  readonly completed: Promise<void>;
  /**
   * Takes the WebSocket that the visitor asked for; `response` is to be returned, and its fields go with the answer.
   *
   * @throws {TypeError} when the visitor asked for something else, when it was taken before, or when the visitor did not
   * offer the subprotocol.
   */
  upgrade(options?: UpgradeOptions): WebSocketUpgrade;
}

/** How a WebSocket is taken. */
export interface UpgradeOptions {
  /** One of the subprotocols that the visitor offers (RFC 6455 section 1.9). @default none */
  readonly protocol?: string;
}

/** A WebSocket that was taken, and the answer that says so. */
export interface WebSocketUpgrade {
  /** Opens when `response` was returned. */
  readonly socket: WebSocket;
  /** What the handler has to return. */
  readonly response: Response;
}
