import type { HandlerInfo, UpgradeOptions, WebSocketUpgrade } from "./handler.ts";

/** Those that ask for a WebSocket, by the request that their handler has. */
const exchanges = new WeakMap<Request, Pick<HandlerInfo, "upgrade">>();

/** Lets the upgrade of an exchange be found by its request alone. */
export function rememberUpgrade(request: Request, exchange: Pick<HandlerInfo, "upgrade">): void {
  exchanges.set(request, exchange);
}

/**
 * Takes the WebSocket that a visitor asked for, where a framework hands on the request alone; `info.upgrade()` does the
 * same.
 *
 * @throws {TypeError} for a request that asks for no WebSocket or came another way, when it was taken before, or when the
 * visitor did not offer the subprotocol.
 */
export function upgradeWebSocket(request: Request, options?: UpgradeOptions): WebSocketUpgrade {
  const exchange = exchanges.get(request);
  if (exchange !== undefined) return exchange.upgrade(options);
  const reason = "no visitor of a tunnel asked for a WebSocket with it";
  throw new TypeError(`this request cannot be upgraded: ${reason}`);
}
