import type { TunnelEvent, TunnelEventMap } from "./tunnel_events.ts";

/**
 * A published service.
 *
 * It is an `EventTarget`, and `for await (const event of tunnel)` gives the events from then on, until it is closed.
 */
export interface Tunnel extends AsyncDisposable, AsyncIterable<TunnelEvent> {
  /** Where visitors find it: at the server that took it first. */
  readonly url: string;
  /** Where visitors find it, at each server that has taken it. */
  readonly urls: readonly string[];
  /** The tunnel's id, which is made from the key and the label: 52 characters of base32. */
  readonly id: string;
  /** Whether visitors can reach it through one server at least; `closing` while requests in flight finish. */
  readonly state: "online" | "offline" | "closing" | "closed";
  /** Where the inspector is opened; null for none. */
  readonly inspector: string | null;
  /** Resolves when it is closed; rejects with a {@linkcode TunnelError} when a server has refused it for good. */
  readonly closed: Promise<void>;
  /** Takes no new requests, lets those in flight finish for at most ten seconds, and closes; resolves when it is closed. */
  close(): Promise<void>;
  /** Closes it as `close` does. */
  [Symbol.asyncDispose](): Promise<void>;
  /** Listens to events of one type. */
  addEventListener<Type extends keyof TunnelEventMap>(
    type: Type,
    listener: (event: TunnelEventMap[Type]) => void,
    options?: Parameters<EventTarget["addEventListener"]>[2],
  ): void;
  /** Listens no longer. */
  removeEventListener<Type extends keyof TunnelEventMap>(
    type: Type,
    listener: (event: TunnelEventMap[Type]) => void,
    options?: Parameters<EventTarget["removeEventListener"]>[2],
  ): void;
}

/** A tunnel that could not be published, or that ended. */
export class TunnelError extends Error {
  /** The name of the class. */
  override readonly name = "TunnelError";
  /** Makes an error. */
  constructor(
    /** `refused` by a server for good, or no server was `unreachable` for less than the timeout. */
    readonly code: "refused" | "unreachable",
    message: string,
    /** The server's code for a refusal, such as `name_taken` (PROTOCOL.md lists them); null for another error. */
    readonly refusal: string | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
