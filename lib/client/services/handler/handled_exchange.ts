import { type Field, fieldValue, fieldValues, listMembers } from "../../../http/fields.ts";
import type { HandlerInfo, UpgradeOptions, VisitorAddress, WebSocketUpgrade } from "./handler.ts";
import type { ServedWebSocket } from "./served_websocket.ts";

/** What an exchange can tell its handler, and do for it. Most is made only when it is asked for. */
export class HandledExchange implements HandlerInfo {
  readonly #fields: readonly Field[];
  /** Makes the WebSocket; null where the visitor asks for none. */
  readonly #open: ((protocol: string) => ServedWebSocket) | null;
  readonly #leaving = new AbortController();
  /** Kept to the end: on Node the listeners of a request's signal hear nothing once the request itself was collected. */
  #request: Request | null = null;
  #socket: ServedWebSocket | null = null;
  #completion: PromiseWithResolvers<void> | null = null;
  /** How it ended before somebody asked. */
  #ending: { readonly error: unknown } | null | undefined;

  constructor(
    fields: readonly Field[],
    open: ((protocol: string) => ServedWebSocket) | null,
  ) {
    this.#fields = fields;
    this.#open = open;
  }

  get remoteAddr(): VisitorAddress {
    const [hostname = ""] = listMembers(fieldValue(this.#fields, "x-forwarded-for") ?? "");
    return { transport: "tcp", hostname, port: 0 };
  }

  get completed(): Promise<void> {
    if (this.#completion === null) {
      this.#completion = Promise.withResolvers();
      // Whether it completes is the handler's to ask, and to leave unasked.
      this.#completion.promise.catch(() => {});
      if (this.#ending !== undefined) this.#settle();
    }
    return this.#completion.promise;
  }

  /** Aborts when the visitor leaves. */
  get gone(): AbortSignal {
    return this.#leaving.signal;
  }

  /** The WebSocket, once the handler has taken it. */
  get socket(): ServedWebSocket | null {
    return this.#socket;
  }

  upgrade({ protocol = "" }: UpgradeOptions = {}): WebSocketUpgrade {
    if (this.#open === null) {
      throw new TypeError("this request cannot be upgraded: the visitor asked for no WebSocket");
    }
    if (this.#socket !== null) throw new TypeError("this request was upgraded before");
    const offered = listMembers(fieldValues(this.#fields, "sec-websocket-protocol") ?? "");
    if (protocol !== "" && !offered.includes(protocol)) {
      const reason = `the visitor did not offer the subprotocol ${JSON.stringify(protocol)}`;
      throw new TypeError(`this request cannot be upgraded: ${reason}`);
    }
    const socket = this.#open(protocol);
    this.#socket = socket;
    // No `Response` can have the status 101. The field tells it from others, and stays on a framework's copy.
    return { socket, response: new Response(null, { headers: UPGRADED }) };
  }

  /** Whether an answer is the one that `upgrade` made, or a copy of it. */
  isUpgrade({ headers }: Response): boolean {
    return this.#socket !== null && headers.get(UPGRADE) === WEBSOCKET;
  }

  /** Takes note of what the handler is asked. */
  ask(request: Request): void {
    this.#request = request;
  }

  /** Takes note that the visitor left. */
  leave(error: Error): void {
    this.#leaving.abort(error);
  }

  /** Takes note of the end; an error says that the answer did not get through whole. */
  end(error?: unknown): void {
    this.#ending ??= error === undefined ? null : { error };
    this.#settle();
  }

  #settle(): void {
    if (this.#ending === null) this.#completion?.resolve();
    else this.#completion?.reject(this.#ending?.error);
  }
}

const UPGRADE = "upgrade";
const WEBSOCKET = "websocket";
const UPGRADED = { [UPGRADE]: WEBSOCKET };
