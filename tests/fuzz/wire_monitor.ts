import {
  decodeFrames,
  FRAME_HEADER_LENGTH,
  FrameFlag,
  frameName,
  FrameType,
  uint32At,
} from "../../lib/wire/frame.ts";
import { INITIAL_WINDOW, MESSAGE_COST } from "../../lib/wire/limits.ts";
import type { MemorySocket } from "../testing/memory_socket.ts";

const { Data, Disconnect, HTTPRequest, HTTPResponse, Reset, Window } = FrameType;
const { WSMessage, WSRequest, WSResponse, WSTeardown } = FrameType;

/** What two sessions without features may send. */
const TYPES: ReadonlySet<number> = new Set(
  Object.values(FrameType).filter((type) => type !== FrameType.Notice),
);

const ALL_FLAGS = FrameFlag.EndStream | FrameFlag.Text | FrameFlag.More;

/** One direction of a stream. */
interface Way {
  credit: number;
  hasHead: boolean;
  hasEnded: boolean;
  hasReset: boolean;
}

interface Watched {
  readonly opening: number;
  readonly fromServer: Way;
  readonly fromClient: Way;
}

/** Reads along between two sessions and notes whatever PROTOCOL.md does not allow, by a model that knows nothing of their code. */
export class WireMonitor {
  readonly faults: string[] = [];
  readonly #streams = new Map<number, Watched>();
  #lastId = 0;
  #serverDrains = false;
  readonly #over = { server: false, client: false };

  /** Watches what arrives at the two ends of a connection. */
  constructor(serverEnd: MemorySocket, clientEnd: MemorySocket) {
    serverEnd.addEventListener("message", ({ data }) => this.#message("client", data));
    clientEnd.addEventListener("message", ({ data }) => this.#message("server", data));
  }

  #message(from: "server" | "client", data: unknown): void {
    if (!(data instanceof ArrayBuffer)) return this.#fault(`the ${from} sends no bytes`);
    try {
      this.#checkKnown(from, new Uint8Array(data));
      decodeFrames(new Uint8Array(data), (type, flags, id, payload) => {
        if (this.#over[from]) {
          this.#fault(`a ${frameName(type)} of the ${from} after its Disconnect`);
        } else if (id === 0) this.#session(from, type, payload);
        else this.#frame(from, type, flags, id, payload);
      });
    } catch (error) {
      this.#fault(`the ${from} sends rubbish: ${error}`);
    }
  }

  /** Notes frame types and flags that a receiver would ignore. */
  #checkKnown(from: "server" | "client", message: Uint8Array): void {
    for (let at = 0; at < message.length; at += FRAME_HEADER_LENGTH + uint32At(message, at + 6)) {
      const [type = 0, flags = 0] = message.subarray(at, at + 2);
      if (!TYPES.has(type) || flags > ALL_FLAGS) {
        this.#fault(`the ${from} sends a ${frameName(type)} with flags ${flags}`);
      }
    }
  }

  #session(from: "server" | "client", type: number, payload: Uint8Array): void {
    if (type !== Disconnect) return;
    if (payload[2] !== 1) this.#over[from] = true;
    else if (from === "server") this.#serverDrains = true;
  }

  #frame(
    from: "server" | "client",
    type: number,
    flags: number,
    id: number,
    payload: Uint8Array,
  ): void {
    const what = `a ${frameName(type)} of the ${from} on stream ${id}`;
    if (type === HTTPRequest || type === WSRequest) {
      return this.#open(from, what, type, flags, id, payload);
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) return this.#fault(`${what}, which was never opened`);
    const [way, other] = from === "server"
      ? [stream.fromServer, stream.fromClient]
      : [stream.fromClient, stream.fromServer];
    if (way.hasReset) return this.#fault(`${what} after its reset`);
    switch (type) {
      case Reset:
        way.hasReset = true;
        return;
      case Window:
        if (uint32At(payload, 0) === 0) this.#fault(`${what} of nothing`);
        other.credit += uint32At(payload, 0);
        return;
    }
    if (way.hasEnded) return this.#fault(`${what} after its end`);
    if (type === HTTPResponse || type === WSResponse) {
      if (from === "server" || way.hasHead || type !== stream.opening + 1) this.#fault(what);
      way.hasHead = true;
    } else {
      if (!way.hasHead) this.#fault(`${what} before its head`);
      if (type !== Data && stream.opening === HTTPRequest) this.#fault(what);
      way.credit -= costOf(type, payload);
      if (way.credit < 0) this.#fault(`${what} overspends by ${-way.credit}`);
    }
    const isEnd = type !== WSMessage && (flags & FrameFlag.EndStream) !== 0;
    way.hasEnded = isEnd || type === WSTeardown;
  }

  #open(
    from: "server" | "client",
    what: string,
    opening: number,
    flags: number,
    id: number,
    payload: Uint8Array,
  ): void {
    if (from === "client" || id <= this.#lastId || this.#serverDrains) this.#fault(what);
    this.#lastId = id;
    const hasEnded = (flags & FrameFlag.EndStream) !== 0;
    this.#streams.set(id, {
      opening,
      fromServer: { credit: INITIAL_WINDOW, hasHead: true, hasEnded, hasReset: false },
      fromClient: {
        credit: uint32At(payload, 0),
        hasHead: false,
        hasEnded: false,
        hasReset: false,
      },
    });
  }

  #fault(what: string): void {
    this.faults.push(what);
  }
}

function costOf(type: number, payload: Uint8Array): number {
  if (type === WSTeardown) return 0;
  return type === WSMessage ? payload.length + MESSAGE_COST : payload.length;
}
