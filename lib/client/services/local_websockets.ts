import { ErrorCode, StreamError } from "../../wire/errors.ts";
import { Budget } from "../../mux/flow_control.ts";
import {
  type Field,
  fieldValue,
  fieldValues,
  HANDSHAKE_FIELDS,
  listMembers,
} from "../../http/fields.ts";
import { FieldLines } from "../../http/field_lines.ts";
import { ReadRequestHead, type RequestHead } from "../../http/head.ts";
import { isToken } from "../../http/octets.ts";
import { OriginError } from "../../http/origin_error.ts";
import { MAX_WEBSOCKET_MESSAGE } from "../../wire/limits.ts";
import { WebSocketBridge } from "../../websocket/bridge.ts";
import { acceptOf, newHandshakeKey } from "../../websocket/handshake_key.ts";
import { FramedSocket } from "../../websocket/framed_socket.ts";
import type { OriginPool } from "./local_http/origin_pool.ts";
import { originHandshake } from "./local_http/origin_request.ts";
import { sendAnswer } from "./local_http/send_answer.ts";
import type { Incoming } from "./service.ts";

/** Bytes that the origin's WebSockets together may have sent ahead of what the tunnel takes: four of the largest messages. */
const BACKLOG = 4 * MAX_WEBSOCKET_MESSAGE;

/** Opens the origin's WebSockets and lets it decide: subprotocol, or a refusal with fields and body of its own. */
export class LocalWebSockets {
  readonly #pool: OriginPool;
  readonly #backlog = new Budget(BACKLOG);

  constructor(pool: OriginPool) {
    this.#pool = pool;
  }

  /** Serves the stream of a WSRequest to its end. @throws {StreamError | OriginError} when no handshake came about. */
  async serve(incoming: Incoming, head: RequestHead): Promise<void> {
    if (head.method !== "GET") {
      throw new StreamError(ErrorCode.Protocol, `a WebSocket is asked for with ${head.method}`);
    }
    const offered = protocolsIn(head.fields);
    const key = newHandshakeKey();
    const lines = FieldLines.of(head.fields.filter(([name]) => !HANDSHAKE_FIELDS.has(name)));
    const own = new ReadRequestHead(head.method, head.target, lines);
    const exchange = this.#pool.exchange(originHandshake(own, handshakeLines(key)), null);
    incoming.onAbort = () => exchange.abort();
    try {
      const response = await exchange.response;
      const { status, fields } = response.head;
      if (status !== 101) {
        await sendAnswer(incoming, response, null);
        incoming.reset(ErrorCode.None, "the answer is complete");
        return;
      }
      checkAnswer(fields, { offered, accept: acceptOf(key) });
      const { stream, early } = await exchange.takeConnection();
      if (incoming.sendEnded) return stream.close();
      const socket = new FramedSocket({ role: "client" });
      socket.open(stream, early);
      await this.#join(incoming, socket, fields.filter(([name]) => !HANDSHAKE_FIELDS.has(name)));
    } finally {
      exchange.abort();
    }
  }

  async #join(incoming: Incoming, socket: FramedSocket, fields: readonly Field[]): Promise<void> {
    const bridge = new WebSocketBridge(socket, incoming, {
      backlog: this.#backlog,
      vanish: () => socket.end(),
    });
    incoming.respond({ status: 101, fields }, false);
    await bridge.start();
    await bridge.finished;
  }
}

/** Returns the lines of a handshake that each hop writes by itself, as they are usually spelt. */
function handshakeLines(key: string): string {
  return "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
    `Sec-WebSocket-Key: ${key}\r\n`;
}

/** Reads what a visitor offers. @throws {StreamError} where an origin could take it for something else. */
function protocolsIn(fields: readonly Field[]): readonly string[] {
  const offered = fieldValues(fields, PROTOCOL) ?? "";
  const protocols = listMembers(offered).filter((protocol) => protocol !== "");
  if (!protocols.every(isToken) || new Set(protocols).size !== protocols.length) {
    const reason = `${PROTOCOL} is not a list of different tokens`;
    throw new StreamError(ErrorCode.Protocol, reason);
  }
  return protocols;
}

const PROTOCOL = "sec-websocket-protocol";

/** Checks what RFC 6455 section 4.1 asks of a 101. @throws {OriginError} `malformed` for another answer. */
function checkAnswer(
  fields: readonly Field[],
  { offered, accept }: { readonly offered: readonly string[]; readonly accept: string },
): void {
  if (fieldValue(fields, "sec-websocket-accept") !== accept) {
    throw wrong("another Sec-WebSocket-Accept");
  }
  // An origin may choose none (section 4.2.2).
  const chosen = fieldValues(fields, PROTOCOL);
  if (chosen !== undefined && !offered.includes(chosen)) {
    throw wrong("a subprotocol that was not offered");
  }
  if (fieldValue(fields, "sec-websocket-extensions") !== undefined) {
    throw wrong("an extension that was not offered");
  }
}

function wrong(what: string): OriginError {
  const message = `the origin's answer to the WebSocket handshake is wrong: ${what}`;
  return new OriginError("malformed", message);
}
