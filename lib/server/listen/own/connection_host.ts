import type { Log } from "../../../cli/log.ts";
import { RequestError } from "../../../http/request_error.ts";
import type { Specimens } from "../../../mux/v8_memory.ts";
import type { FramedSocket } from "../../../websocket/framed_socket.ts";
import { refusalAnswer, type WholeAnswer } from "../../proxy/error_page.ts";
import type { ConnectionBounds, ConnectionEnd } from "../connection_bounds.ts";
import type { VisitHandler } from "../visit.ts";
import type { AnswerContext, DateText } from "./answer_head.ts";
import type { OwnVisitHost } from "./own_visit.ts";

/** What the connections of one listener share. */
export interface ConnectionHost extends OwnVisitHost {
  readonly handler: VisitHandler;
  readonly hsts: number | null;
  readonly bounds: ConnectionBounds;
  readonly dates: DateText;
  readonly specimens: Specimens;
  readonly log: Log;
  /** The listener is shut: a connection on which no request is under way ends. */
  readonly isShut: boolean;
  /** Each connection ends with its next answer. */
  readonly isLeaving: boolean;
  /** A connection is ended by this side. */
  ended(why: ConnectionEnd): void;
  /** A connection has become a WebSocket's. */
  upgraded(connection: HostedConnection, socket: FramedSocket): void;
  /** A connection is closed. */
  closed(connection: HostedConnection): void;
}

/** What a listener does with a connection. */
export interface HostedConnection {
  /** Whether no request is being answered, and none has begun to come. */
  readonly isIdle: boolean;
  /** Whether a request is being answered, or its answer is on its way. */
  readonly isBusy: boolean;
  /** Whether it has served a request, and none is under way. */
  readonly isResting: boolean;
  /** Looks whether something is waited for too long, at a time in milliseconds; to be called about once a second. */
  look(now: number): void;
  /** Gives its place to another connection, for it is idle. */
  giveWay(): void;
  /** Ends it at once. */
  close(): void;
}

/** Returns what a listener's answers have in common. */
export function commonContext(
  { hsts, dates, listeningSocket }: ConnectionHost,
): Pick<AnswerContext, "hsts" | "date"> {
  return { hsts: listeningSocket.scheme === "https" ? hsts : null, date: dates.at(Date.now()) };
}

/** Answers what is no request, or none that is read here. */
export function errorAnswerOf({ status, message }: RequestError): WholeAnswer {
  return refusalAnswer(NO_REQUEST, { code: "request", status, reason: message });
}

/** What is shown is plain text where nothing was read. */
const NO_REQUEST = { method: "GET", fields: [] } as const;

/** Seen by a visitor whose head has begun and does not end (RFC 9110 section 15.5.9). */
export const LATE = new RequestError(408, "the head of the request did not come in time");
