import { type Field, fieldValue, listMembers, takesTrailers } from "../../../http/fields.ts";
import type { ParsedRequest } from "../../../http/request_parser.ts";
import { ErrorCode, StreamError } from "../../../wire/errors.ts";
import { acceptOf } from "../../../websocket/handshake_key.ts";
import { FramedSocket } from "../../../websocket/framed_socket.ts";
import type { MessageSocket } from "../../../websocket/bridge.ts";
import type {
  AcceptOptions,
  Answer,
  BodyReader,
  InterimHead,
  ListeningSocket,
  Outcome,
  RemoteAddress,
  RequestFraming,
  RequestObserver,
  Visit,
  VisitWatcher,
  Watch,
} from "../visit.ts";
import type { OwnBodyReader } from "./own_body_reader.ts";

const NO_BODY: RequestFraming = { kind: "none" };

/** What a visit needs of its connection. */
export interface OwnVisitHost {
  readonly peer: RemoteAddress;
  readonly listeningSocket: ListeningSocket;
  readonly observers: readonly RequestObserver[];
  /** Milliseconds in which a visitor has to take some of what is sent. */
  readonly stallTimeout: number;
}

/** A handshake that was accepted, until its connection is the WebSocket's. */
export interface AcceptedSocket {
  readonly socket: FramedSocket;
  readonly onOpen: () => void;
  readonly fields: readonly Field[];
}

/** A visit that came over a connection that this server reads and writes itself. */
export class OwnVisit implements Visit {
  readonly method: string;
  readonly target: string;
  readonly scheme: string;
  readonly authority: string;
  readonly host: string | null;
  readonly fields: readonly Field[];
  readonly framing: RequestFraming;
  readonly peer: RemoteAddress;
  readonly listeningSocket: ListeningSocket;
  readonly started = performance.now();
  address: string;
  tunnel: string | null = null;
  sent = 0;
  /** null where no body follows the head. */
  readonly body: OwnBodyReader | null;
  /** Whether the origin says if a body that is held back is asked for. */
  isContinueLeft = false;
  readonly #host: OwnVisitHost;
  readonly #onInterim: (visit: OwnVisit, head: InterimHead) => void;
  #watcher: VisitWatcher | null = null;
  #hasLeft = false;
  #accepted: AcceptedSocket | null = null;
  #outcome: Outcome | null = null;

  /** `onInterim` sends a head before the answer. */
  constructor(
    host: OwnVisitHost,
    request: ParsedRequest,
    body: OwnBodyReader | null,
    onInterim: (visit: OwnVisit, head: InterimHead) => void,
  ) {
    const { listeningSocket, peer } = host;
    this.#host = host;
    this.#onInterim = onInterim;
    this.method = request.method;
    this.target = request.target;
    this.scheme = request.scheme ?? listeningSocket.scheme;
    this.host = request.host;
    this.authority = request.authority ?? request.host ?? "";
    // Upgrade does not count in HTTP/1.0 (RFC 9110 section 7.8), nor does TE.
    this.fields = request.minor === 1
      ? request.fields
      : request.fields.filter(([name]) => name !== "upgrade" && name !== "te");
    this.framing = body === null ? NO_BODY : {
      kind: "body",
      length: request.framing === "chunked" ? null : request.framing,
    };
    this.body = body;
    this.peer = peer;
    this.address = peer.hostname;
    this.listeningSocket = listeningSocket;
  }

  get takesTrailers(): boolean {
    return takesTrailers(fieldValue(this.fields, "te"));
  }

  bodyBegins(): Promise<boolean> {
    return Promise.resolve(this.body !== null);
  }

  readBody(): BodyReader {
    if (this.body === null) throw new TypeError("the request has no body");
    return this.body;
  }

  /** The connection drops what nobody reads. */
  dropBody(): void {
    void this.body?.cancel();
  }

  sendInterim(head: InterimHead): void {
    this.#onInterim(this, head);
  }

  leaveContinue(): void {
    this.isContinueLeft = true;
  }

  watch(watcher: VisitWatcher): Watch {
    this.#watcher = watcher;
    if (this.#hasLeft) watcher.leave();
    return {
      end: () => {
        if (this.#watcher === watcher) this.#watcher = null;
      },
    };
  }

  accept({ protocol, idleTimeout, onOpen }: AcceptOptions): MessageSocket {
    const key = fieldValue(this.fields, "sec-websocket-key");
    if (key === undefined) throw new TypeError("the request is no handshake of a WebSocket");
    const offered = fieldValue(this.fields, "sec-websocket-protocol") ?? "";
    if (protocol !== undefined && !listMembers(offered).includes(protocol)) {
      throw new StreamError(ErrorCode.Protocol, `the subprotocol ${protocol} was not offered`);
    }
    const { stallTimeout } = this.#host;
    const socket = new FramedSocket({
      role: "server",
      idleTimeout: idleTimeout * 1000,
      stallTimeout,
    });
    const chosen: readonly Field[] = protocol === undefined
      ? []
      : [["sec-websocket-protocol", protocol]];
    const fields: readonly Field[] = [
      ["upgrade", "websocket"],
      ["connection", "Upgrade"],
      ["sec-websocket-accept", acceptOf(key)],
      ...chosen,
    ];
    this.#accepted = { socket, onOpen, fields };
    return socket;
  }

  /** The handshake that was accepted; null when none was. */
  get accepted(): AcceptedSocket | null {
    return this.#accepted;
  }

  /** Ends the WebSocket that was accepted, for no connection becomes it. */
  refuseUpgrade(): void {
    const accepted = this.#accepted;
    this.#accepted = null;
    accepted?.socket.terminate();
  }

  /** Tells who watches that the visitor has left, once. */
  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    const watcher = this.#watcher;
    this.#watcher = null;
    watcher?.leave();
  }

  /** Notes that an answer begins, which ends the watch over the visitor. */
  answered({ status, code }: Answer): void {
    const headTime = performance.now() - this.started;
    this.#watcher = null;
    this.#outcome = { status, code: code ?? null, headTime, time: headTime };
  }

  /** Tells the observers that all of it is over, once. */
  finish(isLate: boolean): void {
    const outcome = this.#outcome;
    if (outcome === null) return;
    this.#outcome = null;
    const told = isLate ? { ...outcome, time: performance.now() - this.started } : outcome;
    for (const observer of this.#host.observers) observer.finished(this, told);
  }
}
