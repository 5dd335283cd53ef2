import { ErrorCode, StreamError } from "../../../wire/errors.ts";
import { FrameType } from "../../../wire/frame.ts";
import type { Field } from "../../../http/fields.ts";
import type { RequestHead } from "../../../http/head.ts";
import type { Chunk } from "../../../mux/receive_queue.ts";
import { Specimens } from "../../../mux/v8_memory.ts";
import { addressOf, hostOf, type Origin, type OriginTrust, USUAL_TRUST } from "../origin.ts";
import type { Incoming, Service, TroubleHearer } from "../service.ts";
import { messageOf } from "../../../cli/safe_text.ts";
import { parseAuthority, withoutBrackets } from "../../../net/authority.ts";
import { waitAtMost } from "../../../net/with_timeout.ts";
import { OriginError } from "../../../http/origin_error.ts";
import { type HostAdvice, HostCheck } from "./host_check.ts";
import { originDialer } from "./origin_dialer.ts";
import { OriginDiagnosis } from "./origin_diagnosis.ts";
import type { OriginExchange } from "./origin_exchange.ts";
import { OriginPool } from "./origin_pool.ts";
import { OriginReports } from "./origin_reports.ts";
import {
  giveBack,
  type OriginRequest,
  originRequest,
  ownHead,
  wantsTrailers,
} from "./origin_request.ts";
import type { UploadSource } from "./request_upload.ts";
import { sendAnswer } from "./send_answer.ts";
import { LocalWebSockets } from "../local_websockets.ts";

/** Milliseconds in which the origin has to take what a visitor had sent of its upload before it left. */
const LAST_BYTES_TIMEOUT = 2_000;

/** Options of {@linkcode LocalHTTP}. */
export interface LocalHTTPOptions {
  readonly origin: Origin;
  /** What an origin over TLS is trusted by. @default what everybody trusts */
  readonly trust?: OriginTrust;
  /** What the origin gets as Host: null for the public one, `rewrite` for its own, or a text. */
  readonly hostHeader: string | null;
  /**
   * Hears a sentence for the owner when something is wrong with the origin: each kind of trouble once in ten minutes.
   *
   * @default does nothing
   */
  readonly onTrouble?: TroubleHearer;
  /** Hears, once for each kind, what to set in an origin that refuses the public host. */
  readonly onHostRefused?: (advice: HostAdvice) => void;
  /**
   * Hears each time that nothing takes a connection where the origin should be.
   *
   * @default does nothing
   */
  readonly onUnreachable?: () => void;
}

/** Answers visitors by asking the local service, and nothing else on this machine or beyond. */
export class LocalHTTP implements Service {
  readonly #pool: OriginPool;
  readonly #webSockets: LocalWebSockets;
  readonly #reports: OriginReports;
  /** Null where nothing is in doubt. */
  readonly #diagnosis: OriginDiagnosis | null;
  /** The Host that takes the place of the public one; null for none. */
  readonly #host: string | null;
  /** Null where nobody wants to hear of it. */
  readonly #hostCheck: HostCheck | null;
  readonly #specimens = new Specimens();

  constructor(options: LocalHTTPOptions) {
    const { origin, trust = USUAL_TRUST, hostHeader, onHostRefused } = options;
    const { onTrouble = () => {}, onUnreachable = () => {} } = options;
    const address = addressOf(origin);
    const reports = new OriginReports(address, { onTrouble, onUnreachable });
    this.#reports = reports;
    const host = hostHeader === "rewrite" ? hostOf(origin) : hostHeader;
    const tls = { ...trust, hostname: certifiedName(origin, host) };
    const dialer = originDialer(origin, tls);
    // A connection over TLS that was made is one to a server that speaks HTTP/1.1 there.
    this.#diagnosis = origin.kind === "https"
      ? null
      : new OriginDiagnosis(dialer, (advice) => reports.isForeign(advice));
    this.#pool = new OriginPool({
      ...{ address, dialer },
      onMended: (faults) => reports.mended(faults),
      onLogin: () => reports.loggedIn(),
    });
    this.#webSockets = new LocalWebSockets(this.#pool);
    this.#host = host;
    this.#hostCheck = onHostRefused === undefined
      ? null
      : new HostCheck({ isHostReplaced: hostHeader !== null, onRefused: onHostRefused });
  }

  async serve(incoming: Incoming, head: RequestHead): Promise<void> {
    try {
      const own = ownHead(head, this.#host);
      if (incoming.type === FrameType.WSRequest) await this.#openWebSocket(incoming, own);
      else await this.#exchange(incoming, originRequest(own, wantsTrailers(head)));
    } catch (cause) {
      const error = await this.#diagnosis?.explained(cause) ?? cause;
      this.#reports.failed(error);
      const { code, reason } = resetOf(error);
      incoming.reset(code, reason);
    }
  }

  /** Closes the connections that are idle now, and those in use when they are done. */
  close(): void {
    this.#pool.close();
  }

  async #openWebSocket(incoming: Incoming, head: RequestHead): Promise<void> {
    // As below: a Reset may be right behind.
    await null;
    if (!incoming.sendEnded) await this.#webSockets.serve(incoming, head);
  }

  async #exchange(incoming: Incoming, request: OriginRequest): Promise<void> {
    const body = incoming.receiveEnded ? null : new IncomingUpload(incoming, request.length);
    // A Reset may follow in the same message, and then a request without a part of its body need not reach the origin.
    await null;
    if (incoming.sendEnded && !(body?.hasBegun ?? false)) return giveBack(request.buffer);
    const exchange = this.#pool.exchange(request, body);
    exchange.visitor = incoming;
    const leave = () => body === null ? exchange.abort() : void abortBehindUpload(exchange);
    if (incoming.sendEnded) leave();
    else incoming.onAbort = leave;
    try {
      const response = await exchange.response;
      const diagnosis = this.#diagnosis;
      if (diagnosis?.isHTTP === false) void diagnosis.answered(response.head.status);
      this.#specimens.keep(incoming, request, exchange, response);
      await sendAnswer(incoming, response, this.#hostCheck?.look(response.head.status) ?? null);
      // The answer is complete: the origin needs no more of the upload.
      if (!incoming.receiveEnded) incoming.reset(ErrorCode.None, "the answer is complete");
    } finally {
      incoming.onAbort = null;
      exchange.abort();
    }
  }
}

/** Returns the name that the certificate of an origin must have: that of the Host which the owner gave, else where it is. */
function certifiedName(origin: Origin, host: string | null): string {
  const given = host === null ? undefined : parseAuthority(host);
  if (given !== undefined) return withoutBrackets(given.name);
  return origin.kind === "unix" ? "localhost" : origin.host;
}

/** Ends an exchange whose visitor has left, behind what had come of its upload. */
async function abortBehindUpload(exchange: OriginExchange): Promise<void> {
  await waitAtMost(LAST_BYTES_TIMEOUT, exchange.uploaded);
  exchange.abort();
}

/** The body of a request as it comes out of the tunnel. */
class IncomingUpload implements UploadSource {
  readonly #incoming: Incoming;
  /** What was read to see whether it has begun. */
  #first: Chunk | undefined;

  constructor(incoming: Incoming, readonly length: number | null) {
    this.#incoming = incoming;
  }

  /** Whether a part of it is here. */
  get hasBegun(): boolean {
    this.#first ??= this.#incoming.readNow();
    return this.#first !== undefined;
  }

  get trailers(): readonly Field[] | null {
    return this.#incoming.trailers;
  }

  read(): Uint8Array | null | Promise<Uint8Array | null> {
    const first = this.#first;
    if (first !== undefined) {
      this.#first = undefined;
      return first.bytes;
    }
    const read = this.#incoming.read();
    if (read instanceof Promise) return read.then((chunk) => chunk === null ? null : chunk.bytes);
    return read === null ? null : read.bytes;
  }
}

/** Says how a failure is told to the server. */
function resetOf(error: unknown): { readonly code: number; readonly reason: string } {
  if (error instanceof OriginError) return { code: RESET_CODES[error.code], reason: error.message };
  if (error instanceof StreamError) return { code: error.code, reason: error.message };
  // A mistake of this program must not be told as one of the origin's.
  return { code: ErrorCode.Internal, reason: `the client failed: ${messageOf(error)}` };
}

const RESET_CODES: Readonly<Record<OriginError["code"], number>> = {
  refused: ErrorCode.OriginUnreachable,
  unreachable: ErrorCode.OriginUnreachable,
  tls: ErrorCode.OriginUnreachable,
  malformed: ErrorCode.OriginMalformed,
  cut: ErrorCode.OriginCut,
  timeout: ErrorCode.Timeout,
  aborted: ErrorCode.Cancelled,
};
