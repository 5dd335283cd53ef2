import { ErrorCode } from "../../lib/wire/errors.ts";
import { FrameFlag, FrameType } from "../../lib/wire/frame.ts";
import { MESSAGE_COST } from "../../lib/wire/limits.ts";
import { coded, frameOf, joined, openingOf, type SeenFrame, u32 } from "../testing/frame_peer.ts";
import { GOLDEN_FRAMES } from "../testing/golden_frames.ts";
import type { SeededRandom } from "../testing/seeded_random.ts";
import type { Side } from "../testing/session_fixture.ts";
import { mutated } from "./mutated.ts";

const { Data, Disconnect, HTTPRequest, HTTPResponse, Ping, Pong, Reset, Window } = FrameType;
const { Interim, ReasonPhrase, Trailers } = FrameType;
const { RegistrationChallenge, RegistrationRequest, RegistrationResponse } = FrameType;
const { WSMessage, WSRequest, WSResponse, WSTeardown } = FrameType;

const RESPONSE = new TextEncoder().encode("200\r\n");
const BODY = new Uint8Array(65_536);

/** What the peer has done on one stream. */
interface Sent {
  readonly isWebSocket: boolean;
  hasHead: boolean;
  hasEnded: boolean;
  /** Bytes that it may send before it breaks the rules, whatever it was granted since. */
  credit: number;
}

/** Credit that every stream has at its beginning, in bytes. */
const SURE_CREDIT = 32 * 1024;

/** Writes what a peer may send, mostly, and now and then what it may not. */
export class HostilePeer {
  readonly #random: SeededRandom;
  readonly #side: Side;
  readonly #streams = new Map<number, Sent>();
  #lastId = 0;

  /** Makes a peer for a session that is on that side. */
  constructor(random: SeededRandom, near: Side) {
    this.#random = random;
    this.#side = near;
  }

  /** Learns of the streams that were opened to it. */
  saw(frames: readonly SeenFrame[]): void {
    for (const { type, stream } of frames) {
      if (type === HTTPRequest || type === WSRequest) this.#add(stream, type, false, false);
    }
  }

  message(): Uint8Array<ArrayBuffer> {
    const random = this.#random;
    const frames = Array.from({ length: random.integer(1, 6) }, () => this.#frame());
    const message = joined(...frames);
    if (random.oneIn(100)) return mutated(random, message);
    if (random.oneIn(300)) return random.bytes(random.integer(0, 100));
    return message;
  }

  #frame(): Uint8Array<ArrayBuffer> {
    const random = this.#random;
    if (random.oneIn(60)) return rudeFrame(random, random.integer(1, this.#lastId + 1));
    if (this.#side === "client" && (this.#lastId === 0 || random.oneIn(5))) return this.#opening();
    const stream = this.#lastId - random.integer(0, Math.min(8, this.#lastId));
    const sent = this.#streams.get(stream);
    if (sent === undefined) return frameOf(Pong, { payload: random.bytes(8) });
    switch (random.integer(0, 7)) {
      case 0:
        return frameOf(Window, { stream, payload: u32(random.pick([1, 100, 65_536, 1_000_000])) });
      case 1: {
        if (!random.oneIn(4)) return frameOf(Pong, { payload: random.bytes(8) });
        // After this it ignores its own rules: the stream is over for the other side.
        return frameOf(Reset, { stream, payload: coded(random.integer(0, 20), "enough") });
      }
      default:
        return this.#next(stream, sent);
    }
  }

  /** Goes one step on with a stream. */
  #next(stream: number, sent: Sent): Uint8Array<ArrayBuffer> {
    const random = this.#random;
    if (!sent.hasHead) {
      if (random.oneIn(4)) return frameOf(ReasonPhrase, { stream, payload: "Fine" });
      if (random.oneIn(4)) return frameOf(Interim, { stream, payload: "103\r\na: b\r\n" });
      sent.hasHead = true;
      sent.hasEnded = random.oneIn(4);
      const flags = sent.hasEnded ? FrameFlag.EndStream : 0;
      const type = sent.isWebSocket ? WSResponse : HTTPResponse;
      return frameOf(type, { stream, flags, payload: RESPONSE });
    }
    if (!sent.hasEnded && random.oneIn(12)) {
      return frameOf(Trailers, { stream, payload: random.pick(["x-sum: 1\r\n", "x sum: 1\r\n"]) });
    }
    const cost = (length: number): number => length + (sent.isWebSocket ? MESSAGE_COST : 0);
    const wanted = random.pick([0, 1, 10, 100, 1000, 5000]);
    const length = cost(wanted) <= sent.credit ? wanted : 0;
    if (sent.hasEnded || cost(length) > sent.credit) {
      return frameOf(Pong, { payload: BODY.subarray(0, 8) });
    }
    sent.credit -= cost(length);
    sent.hasEnded = random.oneIn(6) || (length === 0 && !sent.isWebSocket);
    const payload = BODY.subarray(0, length);
    if (!sent.isWebSocket) {
      return frameOf(Data, { stream, flags: sent.hasEnded ? FrameFlag.EndStream : 0, payload });
    }
    if (sent.hasEnded) return frameOf(WSTeardown, { stream, payload: coded(1000, "bye") });
    const more = random.oneIn(3) && length > 0 ? FrameFlag.More : 0;
    return frameOf(WSMessage, { stream, flags: more, payload });
  }

  #opening(): Uint8Array<ArrayBuffer> {
    const random = this.#random;
    const stream = this.#lastId + random.pick([1, 1, 1, 2, 6]);
    const type = random.pick([HTTPRequest, HTTPRequest, WSRequest]);
    const hasEnded = type === HTTPRequest && random.oneIn(3);
    this.#add(stream, type, true, hasEnded);
    const window = random.pick([0, 1, 100, 65_536, 1_000_000, 0x7fff_ffff]);
    const flags = hasEnded ? FrameFlag.EndStream : 0;
    return frameOf(type, { stream, flags, payload: openingOf(window) });
  }

  #add(stream: number, type: number, hasHead: boolean, hasEnded: boolean): void {
    const isWebSocket = type === WSRequest;
    this.#streams.set(stream, { isWebSocket, hasHead, hasEnded, credit: SURE_CREDIT });
    this.#lastId = Math.max(this.#lastId, stream);
  }
}

/** Returns a frame that fits its type and nothing else. */
function rudeFrame(random: SeededRandom, stream: number): Uint8Array<ArrayBuffer> {
  const flags = random.oneIn(2) ? FrameFlag.EndStream : 0;
  const payload = BODY.subarray(0, random.pick([0, 1, 65_536]));
  switch (random.integer(0, 13)) {
    case 0:
      return frameOf(Window, { stream, payload: u32(random.pick([0, 0x7fff_ffff, 0xffff_ffff])) });
    case 1:
      return frameOf(Disconnect, {
        payload: joined(coded(random.integer(0, 20)), random.bytes(1)),
      });
    case 2: {
      const types = [RegistrationChallenge, RegistrationRequest, RegistrationResponse] as const;
      return frameOf(random.pick(types), { payload: "{}" });
    }
    case 3:
      return joined(...Array.from({ length: 30 }, () => frameOf(Ping, { payload: "12345678" })));
    case 4:
      return frameOf(Disconnect, { payload: joined(coded(ErrorCode.GoingAway), Uint8Array.of(1)) });
    case 5:
      return frameOf(random.pick([HTTPRequest, WSRequest]), { stream, payload: openingOf(1000) });
    case 6:
      return frameOf(random.pick([HTTPResponse, WSResponse]), { stream, flags, payload: RESPONSE });
    case 7:
      return frameOf(Data, { stream, flags, payload });
    case 8:
      return frameOf(WSMessage, { stream, flags: random.integer(0, 3) << 1, payload });
    case 9:
      return frameOf(WSTeardown, { stream, payload: coded(random.integer(0, 0xffff), "bye") });
    case 10:
      return frameOf(Reset, { stream: random.uint32() || 1, payload: coded(1) });
    case 11:
      // Far more than any window.
      return joined(
        ...Array.from(
          { length: 8 },
          () => frameOf(Data, { stream, payload: BODY.subarray(0, 65_536) }),
        ),
      );
    case 12:
      return frameOf(random.pick([0x00, 0x1f, 0x7f, 0xff]), { stream, flags, payload });
    default:
      return GOLDEN_FRAMES[random.integer(0, GOLDEN_FRAMES.length - 1)]?.bytes ?? frameOf(Pong);
  }
}
