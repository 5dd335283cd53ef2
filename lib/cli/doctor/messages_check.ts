import { withTimeout } from "../../net/with_timeout.ts";
import { dialWebSocket } from "../../websocket/dial.ts";
import { dialledTransport } from "../../websocket/dialled_transport.ts";
import type { WebSocketTransport } from "../../websocket/websocket_transport.ts";
import { type Finding, right, wrong } from "./finding.ts";
import { durationText } from "../measures.ts";
import { PATIENCE, type PublicWay } from "./public_way.ts";
import { failedVisit } from "./visit_failure.ts";

const CHECK = "messages";
const ADVICE =
  "A proxy on the way passes WebSockets on wrongly: see its documents on WebSockets. A " +
  "server with TLS of its own keeps the end of a long message back now and then, but not with --listener own";

/** The subprotocol of the WebSocket, which has to come through as well. */
const PROTOCOL = "tunnel-doctor";

/** Bytes of the messages, by each of the three ways in which a length is written (RFC 6455 section 5.2). */
const LENGTHS = [1, 1_000, 100_000] as const;

/** Opens a WebSocket by the public URL and has some messages sent back. */
export async function checkMessages(
  { way, probes, patience = PATIENCE }: PublicWay,
): Promise<Finding> {
  const { url, proxy, authorities } = way;
  using probe = probes.open((arrival) => {
    if (arrival.request.headers.get("upgrade") !== "websocket") return NOT_ASKED.clone();
    const { socket, response } = arrival.upgrade(PROTOCOL);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  });
  try {
    const dialled = await dialWebSocket(new URL(probe.path, url), {
      ...{ proxy, authorities, protocol: PROTOCOL, timeout: patience },
      signal: new AbortController().signal,
    });
    const echo = new Echo(dialledTransport(dialled), patience);
    try {
      let slowest = 0;
      for (const length of LENGTHS) slowest = Math.max(slowest, await echo.roundTrip(length));
      return right(
        CHECK,
        `come back over a WebSocket in ${durationText(Math.ceil(slowest))} or less`,
      );
    } finally {
      await echo.close();
    }
  } catch (error) {
    if (error instanceof EchoError) return wrong(CHECK, error.message, ADVICE);
    return failedVisit(CHECK, error, url, ADVICE);
  }
}

const NOT_ASKED = new Response(null, { status: 426, headers: { upgrade: "websocket" } });

class EchoError extends Error {
  override readonly name = "EchoError";
}

/** The visitor's end of the WebSocket. */
class Echo {
  readonly #transport: WebSocketTransport;
  readonly #patience: number;
  #next = Promise.withResolvers<Uint8Array>();

  constructor(transport: WebSocketTransport, patience: number) {
    this.#transport = transport;
    this.#patience = patience;
    this.#next.promise.catch(() => {});
    transport.start({
      onMessage: (message) => this.#next.resolve(message.slice()),
      onSent() {},
      onDrain() {},
      onUnheard() {},
      onClose: (reason) => this.#next.reject(new EchoError(`the WebSocket was closed: ${reason}`)),
    });
  }

  /** Returns the milliseconds after which a message of so many bytes came back. */
  async roundTrip(length: number): Promise<number> {
    const sent = new Uint8Array(length).fill(length & 0xff);
    const since = performance.now();
    this.#transport.send(sent.slice());
    const came = await withTimeout(this.#patience, this.#next.promise, () => {
      const limit = durationText(this.#patience);
      throw new EchoError(`a message of ${length} bytes did not come back within ${limit}`);
    });
    this.#next = Promise.withResolvers();
    this.#next.promise.catch(() => {});
    if (came.length === length && came.every((byte, i) => byte === sent[i])) {
      return performance.now() - since;
    }
    throw new EchoError(`a message of ${length} bytes came back as another one`);
  }

  async close(): Promise<void> {
    this.#transport.close("the check is over");
    await this.#transport.left;
  }
}
