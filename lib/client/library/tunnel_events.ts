import type { RefusedVisitors } from "../../wire/notice.ts";

/** A server has taken the tunnel: for the first time, after an outage, or with another URL. */
export class OnlineEvent extends Event {
  /** What kind of event it is. */
  declare readonly type: "online";
  /** Makes an event. */
  constructor(
    /** The server's origin. */
    readonly server: string,
    /** Where visitors find the tunnel at this server. */
    readonly url: string,
  ) {
    super("online");
  }
}

/** The last connection to a server was lost, or the first could not be made; the tunnel goes on trying. */
export class OfflineEvent extends Event {
  /** What kind of event it is. */
  declare readonly type: "offline";
  /** Makes an event. */
  constructor(
    /** The server's origin. */
    readonly server: string,
    /** Why, in words for the owner. */
    readonly reason: string,
  ) {
    super("offline");
  }
}

/** What was served, once it is over. */
export interface ServedRequest {
  /** A request with its answer, one whose answer is a stream of events, or a WebSocket. */
  readonly kind: "http" | "events" | "websocket";
  /** As the visitor sent it, such as `GET`. */
  readonly method: string;
  /** The path with the query, as the visitor sent it. */
  readonly target: string;
  /** The answer's status; null for none. */
  readonly status: number | null;
  /** Whether the answer is whole, the visitor left before, or something failed. */
  readonly outcome: "complete" | "left" | "failed";
  /** Milliseconds from its arrival to its end. */
  readonly duration: number;
}

/** A visitor was served. It costs something for each request, and only while somebody listens. */
export class RequestEvent extends Event {
  /** What kind of event it is. */
  declare readonly type: "request";
  /** Makes an event. */
  constructor(
    /** What was served. */
    readonly request: ServedRequest,
  ) {
    super("request");
  }
}

/** Something that the owner should know: visitors that a server refused, a name that was lost, trouble with the service. */
export class NoticeEvent extends Event {
  /** What kind of event it is. */
  declare readonly type: "notice";
  /** Makes an event. */
  constructor(
    /** A sentence for the owner. */
    readonly text: string,
    /** The visitors that a server refused; null for another notice. */
    readonly refused: RefusedVisitors | null = null,
  ) {
    super("notice");
  }
}

/** The handler failed, or its answer broke off; the visitor has got 500, or a cut answer. Unheard, it is printed. */
export class HandlerErrorEvent extends Event {
  /** What kind of event it is. */
  declare readonly type: "error";
  /** Makes an event. */
  constructor(
    /** What was thrown. */
    readonly error: unknown,
  ) {
    super("error");
  }
}

/** The events of a tunnel by their types. */
export interface TunnelEventMap {
  /** A server has taken the tunnel. */
  readonly online: OnlineEvent;
  /** A server is not connected. */
  readonly offline: OfflineEvent;
  /** A visitor was served. */
  readonly request: RequestEvent;
  /** Something that the owner should know. */
  readonly notice: NoticeEvent;
  /** The handler failed. */
  readonly error: HandlerErrorEvent;
}

/** Any event of a tunnel, told apart by `type`. */
export type TunnelEvent = TunnelEventMap[keyof TunnelEventMap];

/** The types of all events. */
export const EVENT_TYPES: readonly (keyof TunnelEventMap)[] = [
  "online",
  "offline",
  "request",
  "notice",
  "error",
];
