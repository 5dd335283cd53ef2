import config from "../../../deno.json" with { type: "json" };
import { withTimeout } from "../../net/with_timeout.ts";
import { newClientMark } from "../../identity/client_mark.ts";
import { thumbprintOf, tunnelId } from "../../identity/thumbprint.ts";
import { RegistrationError } from "../../wire/registration_error.ts";
import { TunnelClient, type TunnelClientEvents } from "../tunnel_client.ts";
import type { Service } from "../services/service.ts";
import { RefusalLines } from "../console/refusal_lines.ts";
import { Inspector, type Recorded } from "../inspector/inspector.ts";
import { EventQueue } from "./event_queue.ts";
import { RequestWatch } from "./request_watch.ts";
import { type Tunnel, TunnelError } from "./tunnel.ts";
import {
  EVENT_TYPES,
  HandlerErrorEvent,
  NoticeEvent,
  OfflineEvent,
  OnlineEvent,
  RequestEvent,
  type ServedRequest,
  type TunnelEvent,
  type TunnelEventMap,
} from "./tunnel_events.ts";
import type { ReadTunnelOptions } from "./read_tunnel_options.ts";

/** Publishes a service and tells of it in events. */
export class PublishedTunnel extends EventTarget implements Tunnel {
  readonly closed: Promise<void>;
  readonly #options: ReadTunnelOptions;
  readonly #urls = new Map<string, string>();
  readonly #online = new Set<string>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #closing = Promise.withResolvers<void>();
  readonly #queues = new Set<EventQueue>();
  readonly #heard = new Set<string>();
  #id = "";
  #client: TunnelClient | null = null;
  #inspector: Inspector | null = null;
  readonly #refusals = new RefusalLines((sentence, refused) =>
    this.#tell(new NoticeEvent(sentence, refused))
  );
  #watch: RequestWatch | null = null;
  /** Why no server is connected, as it was told last. */
  #reason = "";
  #ending: "closing" | "closed" | null = null;

  constructor(options: ReadTunnelOptions) {
    super();
    this.#options = options;
    this.closed = this.#closing.promise;
    // Who wants to know of it waits for it; nobody has to.
    this.closed.catch(() => {});
  }

  get url(): string {
    return this.urls[0] ?? "";
  }

  get urls(): readonly string[] {
    return [...this.#urls.values()];
  }

  get id(): string {
    return this.#id;
  }

  get state(): Tunnel["state"] {
    return this.#ending ?? (this.#online.size > 0 ? "online" : "offline");
  }

  get inspector(): string | null {
    return this.#inspector?.url ?? null;
  }

  /**
   * Publishes the service, and resolves when a first server has taken it. `serves` names what other clients of the key may
   * serve as well; empty for what they cannot.
   */
  async open(service: Service, serves: string): Promise<this> {
    const { key, label, signal, connectTimeout } = this.#options;
    signal?.throwIfAborted();
    this.#id = await tunnelId(await thumbprintOf(key.publicKey), label);
    const mark = await newClientMark(serves, key);
    const events = this.#clientEvents();
    const recorded = await this.#inspect(service, serves, events);
    const watched = this.#watched(service, recorded);
    const options = { ...this.#options, mark, service: watched, once: false };
    this.#client = new TunnelClient(options, recorded?.events ?? events);
    const giveUp = (): void => this.#opened.reject(signal?.reason);
    signal?.addEventListener("abort", giveUp);
    void this.#run(this.#client);
    try {
      await withTimeout(connectTimeout, this.#opened.promise, () => {
        throw this.#unreachable();
      });
    } catch (error) {
      this.#client.close();
      await this.closed.catch(() => {});
      throw error;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
    signal?.addEventListener("abort", () => void this.close());
    return this;
  }

  /** Tells of something for the owner. */
  notify(text: string): void {
    this.#tell(new NoticeEvent(text));
  }

  /** Tells what a handler has thrown. */
  report(error: unknown): void {
    if (this.#heard.has("error")) this.#tell(new HandlerErrorEvent(error));
    else console.error(error);
  }

  async close(): Promise<void> {
    if (this.#ending === null) {
      this.#ending = "closing";
      await this.#client?.stop();
    }
    await this.closed.catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  [Symbol.asyncIterator](): EventQueue {
    const queue = new EventQueue(() => this.#queues.delete(queue));
    for (const type of EVENT_TYPES) this.#hear(type);
    if (this.#ending === "closed") queue.end();
    else this.#queues.add(queue);
    return queue;
  }

  override addEventListener<Type extends keyof TunnelEventMap>(
    type: Type,
    listener: (event: TunnelEventMap[Type]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void {
    this.#hear(type);
    super.addEventListener(type, listener, options);
  }

  override removeEventListener<Type extends keyof TunnelEventMap>(
    type: Type,
    listener: (event: TunnelEventMap[Type]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  override removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
  override removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void {
    super.removeEventListener(type, listener, options);
  }

  /** @throws {InspectorError} when it cannot listen. */
  async #inspect(
    service: Service,
    serves: string,
    events: TunnelClientEvents,
  ): Promise<Recorded | null> {
    const { inspector, servers } = this.#options;
    if (inspector === null) return null;
    const serviceName = serves === "" ? "a handler" : serves;
    const { version } = config;
    this.#inspector = await Inspector.start({
      ...{ ...inspector, version },
      onTrouble: (sentence) => this.notify(sentence),
    });
    return this.#inspector.add({ name: "", service, serviceName, servers, events });
  }

  /** Puts what tells of requests in front of a service; an inspector has recorded them already. */
  #watched(service: Service, recorded: Recorded | null): Service {
    const tell = (request: ServedRequest): void => this.#tell(new RequestEvent(request));
    if (recorded !== null) {
      this.#inspector?.listen(new RequestWatch(service, tell));
      return recorded.service;
    }
    this.#watch = new RequestWatch(service, tell);
    if (this.#heard.has("request")) this.#watch.start();
    return this.#watch;
  }

  #hear(type: string): void {
    this.#heard.add(type);
    if (type === "request") this.#watch?.start();
  }

  #tell(event: TunnelEvent): void {
    for (const queue of this.#queues) queue.push(event);
    this.dispatchEvent(event);
  }

  async #run(client: TunnelClient): Promise<void> {
    let failure: TunnelError | null = null;
    try {
      await client.run();
    } catch (cause) {
      if (!(cause instanceof RegistrationError)) throw cause;
      const message = `the server refused this tunnel: ${cause.message}`;
      failure = new TunnelError("refused", message, cause.code, { cause });
      this.#opened.reject(failure);
    } finally {
      this.#refusals.close();
      await this.#inspector?.close();
      this.#online.clear();
      this.#ending = "closed";
      for (const queue of this.#queues) queue.end();
      if (failure === null) this.#closing.resolve();
      else this.#closing.reject(failure);
    }
  }

  #clientEvents(): TunnelClientEvents {
    return {
      onOnline: (server, url) => {
        this.#urls.set(server, url);
        this.#online.add(server);
        this.#opened.resolve();
        this.#tell(new OnlineEvent(server, url));
      },
      onOffline: (server, reason) => {
        this.#reason = reason;
        this.#online.delete(server);
        this.#tell(new OfflineEvent(server, reason));
      },
      onStillOffline: (server, reason) => {
        this.#reason = reason;
        this.notify(`still not connected to ${server}: ${reason}`);
      },
      onNameLost: (server, name) =>
        this.notify(`the name ${name} belongs to another key at ${server} now`),
      onNotice: (_server, refused) => {
        for (const visitors of refused) this.#refusals.add(visitors);
      },
      onSharing: (server, { count, different }) => {
        const others = `${count - 1} other clients serve this tunnel at ${server}`;
        this.notify(different === 0 ? others : `${others}, ${different} of them something else`);
      },
    };
  }

  #unreachable(): TunnelError {
    const servers = this.#options.servers.join(" and ");
    const seconds = this.#options.connectTimeout / 1000;
    const why = this.#reason === "" ? "there was no answer" : this.#reason;
    const message = `cannot reach ${servers} within ${seconds} s: ${why}`;
    return new TunnelError("unreachable", message);
  }
}
