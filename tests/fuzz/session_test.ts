import { assert, assertEquals } from "@std/assert";
import { ErrorCode, SessionError, StreamError } from "../../lib/wire/errors.ts";
import { FrameFlag, FrameType, uint32At } from "../../lib/wire/frame.ts";
import { INITIAL_WINDOW, SESSION_BUDGET } from "../../lib/wire/limits.ts";
import type { Stream } from "../../lib/mux/stream.ts";
import { coded, joined } from "../testing/frame_peer.ts";
import { MemorySocket } from "../testing/memory_socket.ts";
import { SeededRandom } from "../testing/seeded_random.ts";
import { SessionFixture } from "../testing/session_fixture.ts";
import { settled, turn } from "../testing/turn.ts";
import { fuzz } from "./fuzz.ts";
import { assertSameBytes } from "./same_bytes.ts";
import { WireMonitor } from "./wire_monitor.ts";
import { GET, OK } from "../testing/heads.ts";

const { HTTPRequest, WSMessage, WSRequest, WSTeardown } = FrameType;

/** Streams that begin with a whole window in a session that holds nothing: while half of what it gives to anyone is left. */
const AMPLE = SESSION_BUDGET / 4 / INITIAL_WINDOW + 1;

fuzz(
  "whatever two sessions do, each stream's bytes arrive whole and in order, within its credit, and nothing is left",
  async (random) => {
    const [a, b] = MemorySocket.pair();
    using server = new SessionFixture("server", a);
    using client = new SessionFixture("client", b);
    const monitor = new WireMonitor(a, b);
    let isDisturbed = false;
    const count = random.integer(1, 12);
    const exchanges = Array.from({ length: count }, () => new Exchange(random, server));
    let running = count;
    const all = exchanges.map(async (exchange) => {
      try {
        await exchange.run(client, () => isDisturbed);
      } finally {
        running--;
      }
    });
    const whole = Promise.all(all);
    // Told below; a fault of one must not be hidden by a wait for the others.
    whole.catch(() => {});
    // In most cases nobody stops while something is under way.
    const disturbedAt = random.oneIn(6) ? random.integer(0, 40) : Infinity;
    let turns = 0;
    while (running > 0 && monitor.faults.length === 0) {
      const socket = random.pick([a, b]);
      if (random.oneIn(4)) socket.hold();
      for (let left = random.integer(1, 4); left > 0; left--) await turn();
      socket.release();
      assert(turns < MAX_ROUNDS, `${running} exchanges do not end`);
      if (turns++ === disturbedAt) {
        isDisturbed = true;
        const { session } = random.pick([server, client]);
        if (random.oneIn(2)) session.close(ErrorCode.GoingAway, "enough");
        else void session.drain("enough");
      }
    }
    assertEquals(monitor.faults, []);
    await whole;
    await settled();
    assertEquals(monitor.faults, []);
    assertEquals([server.session.load, client.session.load], [0, 0]);
    if (isDisturbed) return;
    assertEquals([server.end, client.end], [undefined, undefined]);
    await assertBudgetIsFree(server, b);
  },
);

/** Rounds in which all exchanges of a case must end; they take a few hundred at most. */
const MAX_ROUNDS = 20_000;

/** One exchange between a server and a client who behave as they like. */
class Exchange {
  readonly #random: SeededRandom;
  readonly #server: SessionFixture;
  readonly #isWebSocket: boolean;
  /** Whether somebody gives up before the end. */
  readonly #isReset: boolean;
  readonly #up: Body;
  readonly #down: Body;

  constructor(random: SeededRandom, server: SessionFixture) {
    this.#random = random;
    this.#server = server;
    this.#isWebSocket = random.oneIn(3);
    this.#isReset = random.oneIn(5);
    this.#up = new Body(random, this.#isWebSocket);
    this.#down = new Body(random, this.#isWebSocket);
  }

  async run(client: SessionFixture, isDisturbed: () => boolean): Promise<void> {
    for (let left = this.#random.integer(0, 20); left > 0; left--) await turn();
    const type = this.#isWebSocket ? WSRequest : HTTPRequest;
    const isEmpty = !this.#isWebSocket && this.#up.isEmpty;
    let opened;
    try {
      opened = this.#server.session.open(type, GET, isEmpty);
    } catch (error) {
      assert(error instanceof StreamError && isDisturbed(), `${error}`);
      return;
    }
    const { stream, response } = opened;
    const far = this.#accepted(client, stream);
    const ends = await Promise.allSettled([
      isEmpty ? Promise.resolve() : this.#up.send(stream),
      response.then(() => this.#down.receive(stream)),
      far.then((far) => far && this.#answer(far)),
      far.then((far) => far && (isEmpty ? assertEquals(far.read(), null) : this.#up.receive(far))),
      this.#maybeReset(stream),
      far.then((far) => far && this.#maybeReset(far)),
    ]);
    const failures = ends.flatMap((end) => end.status === "rejected" ? [end.reason] : []);
    for (const failure of failures) {
      if (!(failure instanceof StreamError || failure instanceof SessionError)) throw failure;
      assert(this.#isReset || isDisturbed(), `undisturbed, and yet: ${failure.message}`);
      // Neither side may call the other's honest frames a fault.
      assert(failure.code !== ErrorCode.Protocol && failure.code !== ErrorCode.FlowControl);
    }
  }

  /** Waits for the other end of a stream, which comes even when it was reset at once; undefined when the session ends before. */
  async #accepted(client: SessionFixture, near: Stream): Promise<Stream | undefined> {
    for (;;) {
      const far = client.streams.find(({ id }) => id === near.id);
      if (far !== undefined) return far;
      if (client.end !== undefined) return undefined;
      await turn();
    }
  }

  async #answer(far: Stream): Promise<void> {
    for (let left = this.#random.integer(0, 5); left > 0; left--) await turn();
    const isEmpty = !this.#isWebSocket && this.#down.isEmpty && this.#random.oneIn(2);
    // Another may have ended the stream meanwhile.
    far.respond(OK, isEmpty);
    if (!isEmpty) await this.#down.send(far);
  }

  async #maybeReset(stream: Stream): Promise<void> {
    if (!this.#isReset) return;
    for (let left = this.#random.integer(0, 40); left > 0; left--) await turn();
    if (this.#random.oneIn(2)) stream.reset(ErrorCode.Cancelled, "enough");
  }
}

/** Bytes of which every body is a part: making them anew would be most of the work. */
const MATERIAL = new SeededRandom(1).bytes(1_000_000);

function part(random: SeededRandom, length: number): Uint8Array {
  const at = random.integer(0, MATERIAL.length - length);
  return MATERIAL.subarray(at, at + length);
}

/** What one side sends and the other must get. */
class Body {
  readonly #random: SeededRandom;
  readonly #messages: readonly Uint8Array[];
  readonly #isWebSocket: boolean;

  constructor(random: SeededRandom, isWebSocket: boolean) {
    this.#random = random;
    this.#isWebSocket = isWebSocket;
    this.#messages = Array.from(
      { length: random.integer(0, 6) },
      () => part(random, random.pick([0, 0, 1, 63, 64, 1000, 5000, 65_536, 65_537, 300_000])),
    );
  }

  get isEmpty(): boolean {
    return this.#messages.every(({ length }) => length === 0);
  }

  async send(stream: Stream): Promise<void> {
    for (const [i, message] of this.#messages.entries()) {
      // It may be changed as soon as it is taken.
      const bytes = message.slice();
      const written = this.#isWebSocket
        ? stream.writeMessage(bytes, i % 2 === 0)
        : stream.write(bytes);
      if (written !== undefined) await written;
      bytes.fill(0);
      if (this.#random.oneIn(3)) await turn();
    }
    if (this.#isWebSocket) stream.teardown(coded(1000, "bye"));
    else await stream.end();
  }

  async receive(stream: Stream): Promise<void> {
    const parts: Uint8Array[] = [];
    const messages: Uint8Array[] = [];
    for (let chunk = await stream.read(); chunk !== null; chunk = await stream.read()) {
      const { type, flags, bytes } = chunk;
      if (type === WSTeardown) {
        assertSameBytes(bytes, coded(1000, "bye"));
      } else if (type === WSMessage) {
        assertEquals((flags & FrameFlag.Text) !== 0, messages.length % 2 === 0);
        parts.push(bytes);
        if ((flags & FrameFlag.More) === 0) messages.push(joined(...parts.splice(0)));
      } else messages.push(bytes);
      for (let left = this.#random.pick([0, 0, 0, 1, 3]); left > 0; left--) await turn();
    }
    assertEquals(parts.length, 0);
    if (this.#isWebSocket) assertEquals(messages.length, this.#messages.length);
    assertSameBytes(joined(...messages), joined(...this.#messages));
  }
}

/** Checks by the windows of new streams that none of those before keeps a part of the session's budget. */
async function assertBudgetIsFree(server: SessionFixture, clientEnd: MemorySocket): Promise<void> {
  const windows: number[] = [];
  clientEnd.addEventListener("message", ({ data }) => {
    if (!(data instanceof ArrayBuffer)) return;
    const view = new Uint8Array(data);
    for (let at = 0; at < view.length; at += 10 + uint32At(view, at + 6)) {
      if (view[at] === HTTPRequest) windows.push(uint32At(view, at + 10));
    }
  });
  const opened = Array.from(
    { length: AMPLE + 1 },
    () => server.session.open(HTTPRequest, GET, true),
  );
  await settled();
  assertEquals(windows.filter((window) => window === INITIAL_WINDOW).length, AMPLE);
  for (const { stream, response } of opened) {
    stream.reset(ErrorCode.Cancelled, "enough");
    await response.catch(() => {});
  }
  assertEquals(server.session.load, 0);
}
