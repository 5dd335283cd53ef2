import { messageOf } from "../../../cli/safe_text.ts";
import { expectsContinue } from "../../../http/fields.ts";
import { CONTINUE } from "../../../http/head.ts";
import { RequestError } from "../../../http/request_error.ts";
import {
  behindLineEnds,
  type ParsedRequest,
  RequestHeadParser,
} from "../../../http/request_parser.ts";
import type { ByteStream } from "../../../net/byte_stream.ts";
import { MAX_DROPPED, MAX_LEFT } from "../unwanted_body.ts";
import type { Answer, InterimHead } from "../visit.ts";
import { type AnswerHead, answerHead, interimHead } from "./answer_head.ts";
import { AnswerWriter } from "./answer_writer.ts";
import { Patience, type Wait } from "./patience.ts";
import {
  commonContext,
  type ConnectionHost,
  errorAnswerOf,
  type HostedConnection,
  LATE,
} from "./connection_host.ts";
import { Ending } from "./ending.ts";
import { ConnectionInput } from "./connection_input.ts";
import { OwnBodyReader } from "./own_body_reader.ts";
import { type AcceptedSocket, OwnVisit } from "./own_visit.ts";
import { Presence } from "./presence.ts";

const NOTHING = new Uint8Array(0);

/**
 * One visitor's connection: reads a request, has it answered, and reads the next one. Answers leave in the order of the
 * requests, for the next is looked at only when one is answered.
 */
export class VisitorConnection implements HostedConnection {
  readonly #connection: ByteStream;
  readonly #host: ConnectionHost;
  readonly #input: ConnectionInput;
  readonly #output: AnswerWriter;
  readonly #parser = new RequestHeadParser();
  readonly #presence = new Presence(() => this.#output.probe());
  /** The visit that is being answered. */
  #visit: OwnVisit | null = null;
  #minor: 0 | 1 = 1;
  /** Whether another request may follow; what its answer said of it. */
  #keepAlive = true;
  #isAnswered = false;
  /** Whether a request has come whole. */
  #isUsed = false;
  /** Whether the visitor holds its body back until it is asked for it (RFC 9110 section 10.1.1). */
  #isHeldBack = false;
  #isClosed = false;
  /** Bytes that were dropped of a body that nobody wants. */
  #dropped = 0;
  readonly #ending: Ending;
  readonly #patience: Patience;
  readonly #onAnswer = (answer: Answer): void => this.#respond(answer);
  readonly #onInterim = (visit: OwnVisit, head: InterimHead): void => this.#interim(visit, head);
  readonly #onFailure = (error: unknown): void => this.#failed(error);

  /** `early` are bytes that were read already. */
  constructor(connection: ByteStream, host: ConnectionHost, early: Uint8Array = NOTHING) {
    this.#connection = connection;
    this.#host = host;
    this.#patience = new Patience(host.bounds);
    this.#input = new ConnectionInput(connection, () => this.#onInput(), early);
    this.#ending = new Ending(connection, this.#input, () => this.close());
    this.#output = new AnswerWriter(connection, {
      onPiece: (length) => {
        if (this.#visit !== null) this.#visit.sent += length;
      },
      onBodyOver: () => this.#visit?.finish(true),
      onWritten: () => this.#answered(),
      onGone: () => this.close(),
      onCut: (reason) => this.#cut(reason),
    });
  }

  /** Begins to read. */
  start(): void {
    this.#advance();
  }

  get isBusy(): boolean {
    return this.#visit !== null || this.#ending.isNear;
  }

  get isIdle(): boolean {
    return !this.isBusy && this.#input.length === 0;
  }

  get isResting(): boolean {
    return this.#isUsed && this.isIdle;
  }

  look(now: number): void {
    const wait = this.#wait();
    if (!this.#patience.isOver(wait, now) || wait === "nothing") return;
    this.#host.ended(wait);
    if (wait === "head" && this.#input.length > 0) this.#answerError(LATE);
    else this.close();
  }

  giveWay(): void {
    this.#host.ended("full");
    this.close();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#ending.revoke();
    this.#presence.end();
    this.#connection.close();
    this.#input.release();
    this.#output.close();
    const visit = this.#visit;
    visit?.refuseUpgrade();
    visit?.body?.onInput();
    visit?.leave();
    visit?.finish(true);
    this.#host.closed(this);
  }

  /** Says what is waited for, as far as the visitor is to blame. */
  #wait(): Wait {
    if (this.#output.isWriting) {
      if (this.#output.takeProgress()) this.#patience.renew();
      return "stall";
    }
    if (this.#visit !== null) {
      // Of one who has ended its side, nothing else may ever tell that it has left.
      if (!this.#input.hasEnded) return "nothing";
      if (this.#output.takeProgress()) this.#patience.renew();
      return "stall";
    }
    if (this.#ending.isNear) return "nothing";
    return this.#isUsed && this.#input.length === 0 ? "idle" : "head";
  }

  #onInput(): void {
    if (this.#isClosed) return;
    if (this.#input.isBroken) return this.close();
    const visit = this.#visit;
    if (visit === null) return this.#advance();
    if (this.#input.hasEnded && !this.#isAnswered) this.#presence.begin();
    // It need not be asked for any more.
    if (this.#input.length > 0) this.#isHeldBack = false;
    if (visit.body === null || visit.body.isDone) return;
    if (visit.body.isOver) this.#dropBody(visit.body);
    else visit.body.onInput();
  }

  /** Takes the next request, when it has come whole. */
  #advance(): void {
    const input = this.#input;
    if (this.#isClosed || this.#visit !== null) return;
    if (this.#ending.isNear) return this.#ending.onInput();
    input.takeTo(behindLineEnds(input.buffer, input.start, input.end));
    let request: ParsedRequest | null = null;
    if (input.length > 0) {
      try {
        request = this.#parser.parse(input.buffer, input.start, input.end);
      } catch (error) {
        if (!(error instanceof RequestError)) throw error;
        return this.#refuse(error);
      }
    }
    if (request !== null) this.#begin(request);
    else if (input.hasEnded || (this.#host.isShut && input.length === 0)) this.close();
    else input.read();
  }

  #begin(request: ParsedRequest): void {
    const input = this.#input;
    input.takeTo(request.end);
    this.#isUsed = true;
    this.#isAnswered = false;
    this.#keepAlive = request.keepAlive;
    this.#minor = request.minor;
    this.#dropped = 0;
    const { framing } = request;
    const body: OwnBodyReader | null = framing === 0 ? null : new OwnBodyReader(input, framing, {
      onWanted: () => this.#continue(),
      // What is read next may be another request, which must not begin within a read of this one.
      onEnd: () => queueMicrotask(() => this.#bodyOver(body)),
    });
    this.#isHeldBack = body !== null && request.minor === 1 && input.length === 0 &&
      expectsContinue(request.fields);
    const visit = new OwnVisit(this.#host, request, body, this.#onInterim);
    this.#visit = visit;
    const { handler, specimens } = this.#host;
    specimens.keep(visit, request);
    try {
      const handling = handler.handle(visit);
      if (handling instanceof Promise) handling.then(this.#onAnswer, this.#onFailure);
      else this.#respond(handling);
    } catch (error) {
      this.#failed(error);
    }
    // What comes now is the next request, or tells that the visitor has left.
    if (body === null) this.#readAhead();
  }

  #readAhead(): void {
    if (this.#isClosed) return;
    if (this.#input.length === 0) this.#input.shrink();
    if (!this.#input.hasEnded) this.#input.read();
    else if (!this.#isAnswered) this.#presence.begin();
  }

  /** Asks for a body that its visitor holds back, now that somebody wants it. */
  #continue(): void {
    const visit = this.#visit;
    if (visit !== null && !visit.isContinueLeft) this.#interim(visit, CONTINUE);
  }

  /** Sends a head before that of the answer, to a visitor that knows such; 100 to one that waits for it alone. */
  #interim(visit: OwnVisit, head: InterimHead): void {
    if (visit !== this.#visit || this.#minor === 0) return;
    if (this.#isClosed || this.#output.hasBegun) return;
    if (head.status === CONTINUE.status) {
      if (!this.#isHeldBack) return;
      this.#isHeldBack = false;
    }
    this.#output.sendInterim(interimHead(head));
  }

  #failed(error: unknown): void {
    const visit = this.#visit;
    if (visit !== null) this.#respond(this.#host.handler.failed(visit, error));
  }

  #respond(answer: Answer): void {
    const visit = this.#visit;
    if (visit === null) return;
    if (this.#isClosed) {
      this.#visit = null;
      abandon(answer);
      visit.answered(answer);
      return visit.finish(false);
    }
    try {
      this.#send(visit, answer);
    } catch (error) {
      abandon(answer);
      visit.refuseUpgrade();
      this.#send(visit, this.#host.handler.failed(visit, error));
    }
  }

  /** @throws {RangeError | TypeError | HeadError} for a head that cannot be sent. */
  #send(visit: OwnVisit, answer: Answer): void {
    if (answer.status === 101) return this.#upgrade(visit, answer);
    visit.refuseUpgrade();
    const head = this.#headOf(visit, answer);
    const { body } = answer;
    const isStream = body !== null && !(body instanceof Uint8Array);
    if (isStream && head.framing !== "none") {
      this.#output.sendStream(head.text, body, head.framing);
      this.#begun(visit, answer, head);
      return;
    }
    abandon(answer);
    const whole = isStream || head.framing === "none" ? null : body;
    this.#output.sendWhole(head.text, whole);
    this.#begun(visit, answer, head);
    visit.sent = whole?.length ?? 0;
    visit.finish(false);
  }

  #begun(visit: OwnVisit, answer: Answer, head: AnswerHead): void {
    this.#keepAlive = head.keepAlive;
    visit.answered(answer);
  }

  #headOf(visit: OwnVisit, answer: Answer): AnswerHead {
    // Of what is here already, all is answered before the connection ends.
    const isLast = this.#input.hasEnded && this.#input.length === 0;
    const keepAlive = this.#keepAlive && !this.#host.isLeaving && !isLast && !this.#isHeldBack &&
      endsSoon(visit);
    const { method } = visit;
    return answerHead(answer, {
      method,
      minor: this.#minor,
      keepAlive,
      ...commonContext(this.#host),
    });
  }

  #upgrade(visit: OwnVisit, answer: Answer): void {
    const { accepted } = visit;
    if (accepted === null) throw new TypeError("101 where no WebSocket was accepted");
    if (accepted.socket.isOver) return this.close();
    const fields = [...accepted.fields, ...answer.fields];
    const head = this.#headOf(visit, { ...answer, fields });
    this.#output.sendWhole(head.text, null);
    visit.answered(answer);
    // It comes once, also for a socket that never opens.
    accepted.socket.addEventListener("close", () => visit.finish(true));
  }

  /** The answer has left this process. */
  #answered(): void {
    const visit = this.#visit;
    if (visit === null) return this.#ending.begin();
    if (visit.accepted !== null) return this.#handOver(visit.accepted);
    this.#isAnswered = true;
    this.#presence.end();
    const { body } = visit;
    // A body that is held back, and was not asked for, may never come.
    if (body === null || body.isDone || this.#isHeldBack) this.#next();
    else if (body.isOver || !body.isWanted) this.#dropBody(body);
  }

  /** Nobody reads this body any more. */
  #bodyOver(body: OwnBodyReader | null): void {
    if (body === null || body !== this.#visit?.body || this.#isClosed) return;
    if (!body.isDone) this.#dropBody(body);
    else if (this.#isAnswered) this.#next();
    else this.#readAhead();
  }

  /** Reads on for a while and drops it, that the visitor may read its answer. */
  #dropBody(body: OwnBodyReader): void {
    void body.cancel();
    if (this.#isAnswered) this.#ending.draw();
    if (this.#dropped <= MAX_DROPPED) this.#dropped += body.drop();
    const isEnough = body.isBroken || this.#dropped > MAX_DROPPED;
    if (isEnough) this.#keepAlive = false;
    if ((isEnough || body.isDone) && this.#isAnswered) this.#next();
    else if (body.isDone) this.#readAhead();
  }

  /** Goes on behind a request that is answered, and whose body is over. */
  #next(): void {
    this.#ending.revoke();
    this.#visit = null;
    this.#presence.end();
    if (!this.#keepAlive) return this.#ending.begin();
    this.#patience.renew();
    if (this.#input.length === 0) this.#input.shrink();
    this.#advance();
  }

  /** Answers what is no request, or none that is read here, and ends the connection. */
  #refuse(error: RequestError): void {
    this.#host.ended("malformed");
    this.#answerError(error);
  }

  #answerError(error: RequestError): void {
    const answer = errorAnswerOf(error);
    const context = { method: "GET", minor: 1, keepAlive: false } as const;
    const head = answerHead(answer, { ...context, ...commonContext(this.#host) });
    this.#ending.draw();
    this.#output.sendWhole(head.text, answer.body);
  }

  /** Gives the connection to the WebSocket that was accepted on it. */
  #handOver({ socket, onOpen }: AcceptedSocket): void {
    if (socket.isOver) return this.close();
    this.#isClosed = true;
    this.#visit = null;
    this.#presence.end();
    this.#host.upgraded(this, socket);
    socket.open(this.#input.rest(), NOTHING);
    onOpen();
  }

  #cut(reason: unknown): void {
    this.#host.log.warn("response cut short", { reason: messageOf(reason) });
    this.close();
  }
}

/** Whether what is to come of a body is little, so that another request may follow behind it. */
function endsSoon({ body, framing }: OwnVisit): boolean {
  if (body === null || body.isDone) return true;
  if (body.isBroken) return false;
  return framing.kind === "body" && framing.length !== null && framing.length <= MAX_LEFT;
}

/** Gives up an answer that is not sent. */
function abandon({ body }: Answer): void {
  if (body !== null && !(body instanceof Uint8Array)) body.cancel();
}
