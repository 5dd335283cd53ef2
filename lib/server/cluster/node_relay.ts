import { messageOf } from "../../cli/safe_text.ts";
import type { Log } from "../../cli/log.ts";
import { waitAtMost } from "../../net/with_timeout.ts";
import { ErrorCode, StreamError } from "../../wire/errors.ts";
import { fieldValue } from "../../http/fields.ts";
import type { RequestHead } from "../../http/head.ts";
import { FrameType } from "../../wire/frame.ts";
import { decodeNodeNotice } from "../../wire/notice.ts";
import type { Heartbeat } from "../../mux/heartbeat.ts";
import { Session } from "../../mux/session.ts";
import type { Stream } from "../../mux/stream.ts";
import type { Transport } from "../../mux/transport.ts";
import { refusalAnswer } from "../proxy/error_page.ts";
import { bodyTooLong } from "../proxy/request_body.ts";
import { NODE_FEATURES } from "./node_link.ts";
import { parseOpening } from "./node_opening.ts";
import type { ListeningSocket } from "../listen/visit.ts";
import type { RefusalNotices } from "../tunnels/refusal_notices.ts";
import type { Registry } from "../tunnels/registry.ts";
import { splice } from "./splice.ts";
import type { Asking, Unavailable, VisitRefusal } from "../tunnels/upstream.ts";

/** Links that other nodes may have to this one: what each of the most nodes may open. */
const MAX_LINKS = 2560;

/** Milliseconds that the other nodes may take to agree that they send nothing more. */
const LEAVE_TIMEOUT = 2_000;

/** Why a link is to be replaced. */
const MOVES = "the listener is replaced";

export interface NodeRelayOptions {
  readonly registry: Registry;
  /** Counts the visitors of other nodes that are refused, here or there. */
  readonly notices: Pick<RefusalNotices, "count" | "countAll">;
  readonly heartbeat: Heartbeat;
  /** Milliseconds. */
  readonly headTimeout: number;
  /** A stream came from another node. */
  readonly onStream: () => void;
  readonly log: Log;
}

/** A link that another node opened. */
interface AcceptedLink {
  readonly session: Session;
  /** The socket that it came by; null when it came over the bus. */
  readonly listeningSocket: ListeningSocket | null;
  /** Resolves when the other node has agreed to open no more streams, or is gone. */
  readonly left: Promise<void>;
}

/**
 * Accepts streams that other nodes open and joins each with one to a client here.
 *
 * It never opens a stream to another node: two nodes that each believe the other has a tunnel would pass a request
 * round for ever.
 */
export class NodeRelay {
  readonly #options: NodeRelayOptions;
  readonly #links = new Set<AcceptedLink>();
  #isLeaving = false;

  constructor(options: NodeRelayOptions) {
    this.#options = options;
  }

  /** Links from other nodes. */
  get size(): number {
    return this.#links.size;
  }

  /** Takes a link of another node, over a socket or the bus; returns false when there is no room, or this node stops. */
  accept(transport: Transport, from: string, listeningSocket: ListeningSocket | null): boolean {
    if (this.#isLeaving || this.#links.size >= MAX_LINKS) return false;
    const { log } = this.#options;
    const { promise: left, resolve } = Promise.withResolvers<void>();
    const session = new Session(transport, {
      onRegistration() {},
      onStream: (stream, opening) => void this.#relay(stream, opening),
      onNotice: (payload) => this.#options.notices.countAll(decodeNodeNotice(payload)),
      onGoAway: () => resolve(),
      onClose: ({ message }) => {
        this.#links.delete(link);
        resolve();
        log.debug("the link of another node ended", { node: from, reason: message });
      },
      onTraffic() {},
    }, this.#options);
    const link: AcceptedLink = { session, listeningSocket, left };
    this.#links.add(link);
    session.establish(NODE_FEATURES);
    // The handshake may have been under way when the socket was replaced.
    if (listeningSocket?.isRetired) session.goAway(MOVES);
    log.debug("another node has opened a link", { node: from });
    return true;
  }

  /** Tells the other nodes to send no more, and resolves when all have agreed: what they sent before has arrived. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    const all = [...this.#links];
    for (const { session } of all) void session.drain("this node stops");
    await waitAtMost(LEAVE_TIMEOUT, Promise.all(all.map(({ left }) => left)));
  }

  /**
   * Has the other nodes open new links in place of those over replaced sockets, and resolves when the old links have
   * ended. The nodes have half of `time`, in milliseconds. A node that could not, as when the bus is away, sends nothing
   * more from then on, and what is under way has the other half to finish.
   */
  async move(time: number): Promise<void> {
    const end = performance.now() + time / 2;
    // More links may come meanwhile, whose handshakes were under way.
    for (let moving = this.#moving(); moving.length > 0; moving = this.#moving()) {
      for (const { session } of moving) session.goAway(MOVES);
      await Promise.all(moving.map(async ({ session, left }) => {
        await waitAtMost(end - performance.now(), left);
        await session.drain(MOVES);
        session.close(ErrorCode.None, MOVES);
      }));
    }
  }

  /** Resolves when no stream from another node is left. */
  async drain(): Promise<void> {
    await Promise.all([...this.#links].map(({ session }) => session.drain("this node stops")));
  }

  close(): void {
    this.#isLeaving = true;
    for (const { session } of [...this.#links]) {
      session.close(ErrorCode.GoingAway, "this node stops");
    }
  }

  #moving(): AcceptedLink[] {
    return [...this.#links].filter(({ listeningSocket }) => listeningSocket?.isRetired);
  }

  async #relay(stream: Stream, opening: RequestHead): Promise<void> {
    this.#options.onStream();
    // Looked at first: a body may arrive whole while this waits below, and must still be sent on.
    const hasNoBody = stream.receiveEnded;
    try {
      const { hostname, address, head } = parseOpening(opening);
      const upstream = this.#options.registry.select(hostname);
      if (typeof upstream === "string") return refuse(stream, upstream);
      const refusal = await upstream.admit(askingOf(head, address, stream));
      // A visitor who has left gets no answer, and what it had sent goes on.
      const first = stream.sendEnded ? stream.readNow() : undefined;
      if (stream.sendEnded && first === undefined) return;
      if (refusal !== null) {
        this.#options.notices.count(hostname, refusal.status, refusal.code);
        return await answerRefusal(stream, head, refusal);
      }
      if (!upstream.session.usable) return refuse(stream, upstream.session.full ? "busy" : "away");
      const kind = stream.type === FrameType.HTTPRequest ? "http" : "websocket";
      const opened = upstream.open({ kind, head, hasBody: !hasNoBody, visitor: address });
      const { maxBody } = upstream;
      await splice(stream, opened, {
        ...{ first, maxBody },
        onTooLong: (most) => {
          const refusal = bodyTooLong(most);
          this.#options.notices.count(hostname, refusal.status, refusal.code);
          return answerRefusal(stream, head, refusal);
        },
      });
    } catch (error) {
      const code = error instanceof StreamError ? error.code : ErrorCode.Internal;
      stream.reset(code, messageOf(error));
    }
  }
}

/** What decides whether a request of another node's visitor is let through. */
function askingOf(
  { method, target, fields }: RequestHead,
  address: string,
  stream: Stream,
): Asking {
  // Over HTTP/2 the other node has it from the pseudo-header.
  const host = fieldValue(fields, "host") ?? fieldValue(fields, "x-forwarded-host") ?? null;
  return {
    ...{ address, host, method, target, fields },
    readBody: () => ({
      async read() {
        const chunk = await stream.read();
        if (chunk !== null) return { done: false, value: chunk.bytes };
        return { done: true };
      },
      // The answer resets the stream.
      cancel: () => Promise.resolve(),
    }),
  };
}

function refuse(stream: Stream, why: Unavailable): void {
  if (why === "busy") stream.reset(ErrorCode.Refused, "the tunnel has all the streams that it may");
  else stream.reset(ErrorCode.NotHere, "the tunnel is not on this node");
}

/** Answers as the visitor's node would if it had the tunnel itself. */
async function answerRefusal(
  stream: Stream,
  request: RequestHead,
  refusal: VisitRefusal,
): Promise<void> {
  const { status, fields, body } = refusalAnswer(request, refusal);
  stream.respond({ status, fields }, false);
  await stream.end(body ?? undefined);
  // The body of a refused request ends here.
  stream.reset(ErrorCode.None, "the request was refused");
}
