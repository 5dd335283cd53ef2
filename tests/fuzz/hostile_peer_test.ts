import { assert, assertEquals } from "@std/assert";
import { ErrorCode, SessionError, StreamError } from "../../lib/wire/errors.ts";
import { FEATURES } from "../../lib/wire/features.ts";
import { FrameFlag, FrameType, uint32At } from "../../lib/wire/frame.ts";
import { INITIAL_WINDOW, MESSAGE_COST } from "../../lib/wire/limits.ts";
import type { Stream } from "../../lib/mux/stream.ts";
import type { SeenFrame } from "../testing/frame_peer.ts";
import type { SeededRandom } from "../testing/seeded_random.ts";
import { SessionAndPeer } from "../testing/session_fixture.ts";
import { settled, turn } from "../testing/turn.ts";
import { fuzz } from "./fuzz.ts";
import { HostilePeer } from "./hostile_peer.ts";
import { GET, OK } from "../testing/heads.ts";

const { Data, Disconnect, HTTPRequest, Reset, Window, WSMessage, WSRequest, WSTeardown } =
  FrameType;

const BODY = new Uint8Array(300_000);

for (const side of ["server", "client"] as const) {
  fuzz(
    `whatever its peer sends, a ${side}'s session ends with a code at most, and keeps to what it was allowed`,
    async (random) => {
      using near = new SessionAndPeer(side, {
        established: !random.oneIn(10),
        features: random.oneIn(2) ? FEATURES : [],
      });
      const owner = new Owner(random, near);
      const peer = new HostilePeer(random, side);
      const ledger = new Ledger();
      const seen: SeenFrame[] = [];
      for (
        let messages = random.integer(1, 40);
        messages > 0 && near.end === undefined;
        messages--
      ) {
        if (side === "server" && random.oneIn(3)) owner.open();
        const message = peer.message();
        ledger.sent(message);
        near.peer.sendBytes(message);
        if (random.oneIn(3)) near.socket.hold();
        for (let left = random.pick([0, 0, 1, 4]); left > 0; left--) await turn();
        near.socket.release();
        seen.push(...near.peer.take());
      }
      await settled();
      seen.push(...near.peer.take());
      assertEquals(owner.fault, undefined);
      ledger.check(seen, near);
      assertEnd(near, seen);
      near.session.close(ErrorCode.None, "the case is over");
      await settled();
      assertEquals(near.session.load, 0);
      assertEquals(owner.fault, undefined);
      assertEquals(owner.pending, 0, "somebody still waits");
    },
  );
}

/** Checks how a session ended: once, with a code, and saying so where its peer did not say it first. */
function assertEnd(near: SessionAndPeer, seen: readonly SeenFrame[]): void {
  assert(near.ends.length <= 1);
  const disconnects = seen.filter(({ type, payload }) => type === Disconnect && payload[2] !== 1);
  const { end } = near;
  if (end === undefined) return assertEquals(disconnects, []);
  assert(end.code >= 0);
  const disconnect = disconnects[0];
  if (disconnect === undefined) return;
  assertEquals((disconnect.payload[0] ?? 0) * 256 + (disconnect.payload[1] ?? 0), end.code);
  assertEquals(seen.at(-1), disconnect, "something follows the Disconnect");
  // What a peer sends is never this side's own fault.
  const known = [ErrorCode.Protocol, ErrorCode.FlowControl, ErrorCode.TooLarge];
  assert(known.some((code) => code === end.code), `${end.code}: ${end.message}`);
}

/** Keeps account of the credit that each side gave and the bytes that it sent, by the frames alone. */
class Ledger {
  readonly #given = new Map<number, number>();
  readonly #sent = new Map<number, number>();
  /** Streams on which the peer has nothing more to send: what comes then is another fault, or ignored. */
  readonly #ended = new Set<number>();

  /** Takes a message of the peer. */
  sent(message: Uint8Array): void {
    for (let at = 0; at + 10 <= message.length; at += 10 + uint32At(message, at + 6)) {
      const type = message[at] ?? 0;
      const stream = uint32At(message, at + 2);
      const length = uint32At(message, at + 6);
      if ([HTTPRequest, WSRequest, Window].some((each) => each === type)) {
        add(this.#given, stream, uint32At(message, at + 10));
      }
      if (!this.#ended.has(stream)) add(this.#sent, stream, costOf(type, length));
      const isLast = type === WSTeardown || type === Reset ||
        (type !== WSMessage && ((message[at + 1] ?? 0) & FrameFlag.EndStream) !== 0);
      if (isLast) this.#ended.add(stream);
    }
  }

  /** Checks that the session spent no more than it was given, and that a peer which did was not left alone. */
  check(seen: readonly SeenFrame[], near: SessionAndPeer): void {
    const spent = new Map<number, number>();
    const allowed = new Map<number, number>();
    const isReset = new Set<number>();
    for (const { type, stream, payload } of seen) {
      add(spent, stream, costOf(type, payload.length));
      if ([HTTPRequest, WSRequest, Window].some((each) => each === type)) {
        add(allowed, stream, uint32At(payload, 0));
      }
      if (type === Reset) isReset.add(stream);
    }
    const first = near.onStream === null ? 0 : INITIAL_WINDOW;
    for (const [stream, bytes] of spent) {
      const given = INITIAL_WINDOW - first + (this.#given.get(stream) ?? 0);
      assert(bytes <= given, `stream ${stream} was sent ${bytes} bytes of ${given}`);
    }
    if (near.end !== undefined) return;
    for (const [stream, bytes] of this.#sent) {
      // An id that was left out is as good as one whose stream is over.
      if (near.onStream !== null && !near.streams.some(({ id }) => id === stream)) continue;
      const limit = first + (allowed.get(stream) ?? 0);
      assert(bytes <= limit || isReset.has(stream), `stream ${stream} took ${bytes} of ${limit}`);
    }
  }
}

function add(counts: Map<number, number>, stream: number, bytes: number): void {
  counts.set(stream, (counts.get(stream) ?? 0) + bytes);
}

function costOf(type: number, length: number): number {
  if (type === Data) return length;
  return type === WSMessage ? length + MESSAGE_COST : 0;
}

/** Does with its streams what a server or a client might, whatever their peer does. */
class Owner {
  /** The first thing that went wrong other than by the protocol. */
  fault: unknown;
  /** Steps that have not come to their end. */
  pending = 0;
  readonly #random: SeededRandom;
  readonly #near: SessionAndPeer;
  #accepted = 0;

  constructor(random: SeededRandom, near: SessionAndPeer) {
    this.#random = random;
    this.#near = near;
    void this.#acceptAll();
  }

  /** Opens a stream, unless it cannot be. */
  open(): void {
    const { session } = this.#near;
    if (!session.usable) return;
    const type = this.#random.pick([HTTPRequest, WSRequest]);
    const { stream, response } = session.open(
      type,
      GET,
      type === HTTPRequest && this.#random.oneIn(2),
    );
    this.#step(async () => void await response);
    this.#use(stream);
  }

  async #acceptAll(): Promise<void> {
    while (this.#near.end === undefined) {
      const { streams } = this.#near;
      for (; this.#accepted < streams.length; this.#accepted++) {
        const stream = streams[this.#accepted];
        if (stream === undefined) continue;
        if (this.#random.oneIn(2)) {
          this.#step(() => stream.respond(OK, this.#random.oneIn(3)));
        }
        this.#use(stream);
      }
      await turn();
    }
  }

  #use(stream: Stream): void {
    if (!this.#random.oneIn(3)) {
      this.#step(async () => {
        let bytes = 0;
        for (let chunk = await stream.read(); chunk !== null; chunk = await stream.read()) {
          assert(chunk.type === WSTeardown || chunk.cost >= chunk.bytes.length);
          bytes += chunk.bytes.length;
          if (this.#random.oneIn(3)) await turn();
        }
        assert(stream.receiveEnded || bytes === 0);
      });
    }
    if (this.#random.oneIn(2)) {
      this.#step(async () => {
        const bytes = BODY.subarray(0, this.#random.pick([0, 1, 1000, 300_000]));
        if (stream.type === HTTPRequest) await stream.write(bytes);
        else await stream.writeMessage(bytes, false);
        if (this.#random.oneIn(2)) await stream.end();
      });
    }
    if (this.#random.oneIn(6)) this.#step(() => stream.reset(ErrorCode.Cancelled, "enough"));
  }

  #step(run: () => void | Promise<void>): void {
    this.pending++;
    const done = (): void => void this.pending--;
    const failed = (error: unknown): void => {
      this.pending--;
      // By its own doing too, as when it writes to what has ended.
      if (!(error instanceof StreamError || error instanceof SessionError)) this.fault ??= error;
    };
    Promise.resolve().then(run).then(done, failed);
  }
}
