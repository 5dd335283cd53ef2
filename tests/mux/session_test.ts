import { assert, assertEquals, assertFalse, assertRejects, assertThrows } from "@std/assert";
import { ErrorCode, SessionError, StreamError } from "../../lib/wire/errors.ts";
import { decodeDisconnect, encodeDisconnect } from "../../lib/wire/reasons.ts";
import {
  FRAME_HEADER_LENGTH,
  FrameFlag,
  frameName,
  FrameType,
  uint32At,
} from "../../lib/wire/frame.ts";
import {
  DEAD_AFTER,
  INITIAL_WINDOW,
  MAX_DATA_LENGTH,
  MAX_HEAD_LENGTH,
  MAX_REGISTRATION_LENGTH,
  MAX_STREAM_ID,
  MAX_STREAMS,
  MAX_TRANSPORT_MESSAGE,
  PING_AFTER,
  SESSION_BUDGET,
  SMALL_WINDOW,
  SOCKET_HIGH_WATER,
} from "../../lib/wire/limits.ts";
import { ALL_STREAM_IDS } from "../../lib/mux/stream_table.ts";
import type { Stream } from "../../lib/mux/stream.ts";
import {
  coded,
  frameOf,
  type FrameParts,
  FramePeer,
  joined,
  openingOf,
  u32,
} from "../testing/frame_peer.ts";
import { FakeClock } from "../testing/fake_clock.ts";
import { GOLDEN_FRAMES, goldenFrame } from "../testing/golden_frames.ts";
import { MemorySocket } from "../testing/memory_socket.ts";
import { SessionAndPeer, SessionFixture, type Side } from "../testing/session_fixture.ts";
import { settled } from "../testing/turn.ts";
import { webSocketPair } from "../testing/websocket_pair.ts";
import { ACCEPTED, encodeRequestHead, GET, OK, plain } from "../testing/heads.ts";
import type { RequestHead } from "../../lib/http/head.ts";

const {
  Data,
  Disconnect,
  HTTPRequest,
  HTTPResponse,
  Notice,
  Ping,
  Pong,
  RegistrationChallenge,
  RegistrationRequest,
  RegistrationResponse,
  Reset,
  Window,
  WSMessage,
  WSRequest,
  WSResponse,
  WSTeardown,
} = FrameType;

const HEAD = encodeRequestHead(GET);
const ANSWER = "200\r\n";

// Opening.

Deno.test("Session.open numbers streams from 1, each id used once", async () => {
  using near = new SessionAndPeer("server");
  for (let i = 0; i < 3; i++) open(near, true);
  await settled();
  assertEquals(near.peer.take().map(({ stream }) => stream), [1, 2, 3]);
  near.peer.send(HTTPResponse, { stream: 3, flags: FrameFlag.EndStream, payload: ANSWER });
  await settled();
  assertEquals(near.session.load, 2);
  open(near, true);
  await settled();
  assertEquals(near.peer.take().map(({ stream }) => stream), [4]);
});

Deno.test("Session.open sends the answer's window in front of the head", async () => {
  using near = new SessionAndPeer("server");
  open(near, false);
  await settled();
  const frame = await near.peer.next(HTTPRequest);
  assertEquals([frame.flags, uint32At(frame.payload, 0)], [0, INITIAL_WINDOW]);
  assertEquals(frame.payload.subarray(4), HEAD);
});

Deno.test("Session.open gives each new stream a part of what is spare, so that a thousand are promised 48 MiB", async () => {
  using near = new SessionAndPeer("server");
  for (let i = 0; i < MAX_STREAMS; i++) open(near, true);
  await settled();
  const windows = near.peer.take().map(({ payload }) => uint32At(payload, 0));
  assertEquals(windows.slice(0, 32), new Array(32).fill(INITIAL_WINDOW));
  const shares = windows.slice(32, 96);
  assertEquals(shares.toSorted((a, b) => b - a), shares, "each gets less than the one before");
  assert(shares.every((window) => window > SMALL_WINDOW), `${shares}`);
  assertEquals(windows.slice(100), new Array(MAX_STREAMS - 100).fill(SMALL_WINDOW));
  const promised = windows.reduce((sum, window) => sum + window, 0);
  assert(promised <= SESSION_BUDGET / 2 + MAX_STREAMS * SMALL_WINDOW, `${promised} bytes`);
});

Deno.test("Session.open gives what the streams that are over have taken to new ones", async () => {
  using near = new SessionAndPeer("server");
  for (let stream = 1; stream <= 200; stream++) {
    open(near, true);
    await settled();
    const { payload } = await near.peer.next(HTTPRequest);
    assertEquals(uint32At(payload, 0), INITIAL_WINDOW);
    near.peer.send(HTTPResponse, { stream, flags: FrameFlag.EndStream, payload: ANSWER });
    await settled();
  }
});

Deno.test("Session keeps of a message no more than what its streams have yet to read", async () => {
  using near = new SessionAndPeer("server");
  const [stalled, other] = [open(near, true), open(near, true)];
  await settled();
  const body = (stream: number) => frameOf(Data, { stream, payload: new Uint8Array(30_000) });
  const heads = [1, 2].map((stream) => frameOf(HTTPResponse, { stream, payload: ANSWER }));
  near.peer.sendBytes(joined(...heads, body(1), body(2), body(2)));
  await settled();
  assertEquals(other.readNow()?.bytes.length, 30_000);
  for (let second = 0; second < 2; second++) near.session.beat(performance.now(), false);
  for (const stream of [stalled, other]) {
    assertEquals(stream.readNow()?.bytes.buffer.byteLength, 30_000);
  }
});

Deno.test("Session.open refuses before the registration, when full, draining or closed", async () => {
  const refuses = (near: SessionAndPeer): void => {
    assertFalse(near.session.usable);
    const error = assertThrows(() => near.session.open(HTTPRequest, GET, true), StreamError);
    assertEquals(error.code, ErrorCode.Refused);
  };
  using fresh = new SessionAndPeer("server", { established: false });
  refuses(fresh);
  using full = new SessionAndPeer("server");
  for (let i = 0; i < MAX_STREAMS; i++) open(full, true);
  assert(full.session.full);
  refuses(full);
  using draining = new SessionAndPeer("server");
  void draining.session.drain("stop");
  refuses(draining);
  using drained = new SessionAndPeer("server");
  drained.peer.send(Disconnect, { payload: disconnect("drain") });
  await settled();
  refuses(drained);
  using closed = new SessionAndPeer("server");
  closed.session.close(ErrorCode.None, "over");
  refuses(closed);
});

Deno.test("Session answers a stream above its limit with Reset(Refused) and goes on", async () => {
  using near = new SessionAndPeer("client");
  const requests = Array.from(
    { length: MAX_STREAMS + 1 },
    (_, i) => frameOf(HTTPRequest, { stream: i + 1, payload: openingOf(1) }),
  );
  near.peer.sendBytes(joined(...requests));
  near.peer.send(Data, { stream: MAX_STREAMS + 1, payload: "on its way" });
  await settled();
  assertEquals([near.streams.length, near.end], [MAX_STREAMS, undefined]);
  const reset = await near.peer.next(Reset);
  assertEquals([reset.stream, uint16(reset.payload)], [MAX_STREAMS + 1, ErrorCode.Refused]);
  near.streams[0]?.reset(ErrorCode.Cancelled);
  near.peer.send(HTTPRequest, { stream: MAX_STREAMS + 2, payload: openingOf(1) });
  await settled();
  assertEquals(near.streams.length, MAX_STREAMS + 1, "one is over, one more fits");
});

Deno.test("Session accepts ids that leave some out, up to the last", async () => {
  using near = new SessionAndPeer("client");
  for (const stream of [5, 900, MAX_STREAM_ID]) {
    near.peer.send(HTTPRequest, { stream, payload: openingOf(1) });
  }
  await settled();
  assertEquals(near.streams.map(({ id }) => id), [5, 900, MAX_STREAM_ID]);
});

// What ends a session. Each row is sent after the side that opens streams has opened stream 1.

const VIOLATIONS: readonly {
  readonly what: string;
  readonly side: Side;
  readonly frames: readonly (readonly [type: number, parts: FrameParts])[];
  /** @default Protocol */
  readonly code?: number;
}[] = [
  {
    what: "a second head",
    side: "server",
    frames: [[HTTPResponse, { stream: 1, payload: ANSWER }], [HTTPResponse, {
      stream: 1,
      payload: ANSWER,
    }]],
  },
  { what: "Data before the head", side: "server", frames: [[Data, { stream: 1, payload: "x" }]] },
  {
    what: "an END_STREAM before the head",
    side: "server",
    frames: [[Data, { stream: 1, flags: FrameFlag.EndStream }]],
  },
  {
    what: "Data after the end",
    side: "server",
    frames: [
      [HTTPResponse, { stream: 1, flags: FrameFlag.EndStream, payload: ANSWER }],
      [Data, { stream: 1, payload: "x" }],
    ],
  },
  {
    what: "Data after an end in its own direction",
    side: "client",
    frames: [
      [Data, { stream: 1, flags: FrameFlag.EndStream }],
      [Data, { stream: 1, payload: "x" }],
    ],
  },
  { what: "an empty Data that ends nothing", side: "client", frames: [[Data, { stream: 1 }]] },
  {
    what: "a WebSocket's answer to an HTTP request",
    side: "server",
    frames: [[WSResponse, { stream: 1, payload: ANSWER }]],
  },
  {
    what: "a message on an HTTP stream",
    side: "client",
    frames: [[WSMessage, { stream: 1, payload: "x" }]],
  },
  {
    what: "a teardown on an HTTP stream",
    side: "client",
    frames: [[WSTeardown, { stream: 1, payload: coded(1000) }]],
  },
  {
    what: "an answer from the side that asks",
    side: "client",
    frames: [[HTTPResponse, { stream: 1, payload: ANSWER }]],
  },
  {
    what: "a request from the side that answers",
    side: "server",
    frames: [[HTTPRequest, { stream: 2, payload: openingOf(1) }]],
  },
  {
    what: "an id that was used",
    side: "client",
    frames: [[HTTPRequest, { stream: 1, payload: openingOf(1) }]],
  },
  {
    what: "an id that goes back",
    side: "client",
    frames: [
      [HTTPRequest, { stream: 7, payload: openingOf(1) }],
      [HTTPRequest, { stream: 6, payload: openingOf(1) }],
    ],
  },
  ...[Data, Window, Reset, WSMessage, WSTeardown, HTTPResponse, WSResponse].flatMap((type) =>
    (["server", "client"] as const).map((side) => ({
      what: `a ${frameName(type)} on a stream that was never opened, to the ${side}`,
      side,
      frames: [[type, { stream: 2, payload: payloadFor(type) }]] as const,
    }))
  ),
  {
    what: "a credit of nothing",
    side: "server",
    frames: [[Window, { stream: 1, payload: u32(0) }]],
    code: ErrorCode.FlowControl,
  },
  {
    what: "a credit that overflows the window",
    side: "server",
    frames: [[Window, { stream: 1, payload: u32(0x7fff_ffff) }]],
    code: ErrorCode.FlowControl,
  },
  {
    what: "a first window above 2^31 - 1",
    side: "client",
    frames: [[HTTPRequest, { stream: 2, payload: openingOf(0x8000_0000) }]],
    code: ErrorCode.FlowControl,
  },
  ...[RegistrationChallenge, RegistrationRequest, RegistrationResponse].map((type) => ({
    what: `a ${frameName(type)} after the registration`,
    side: "server" as const,
    frames: [[type, { payload: "{}" }]] as const,
  })),
];

for (const { what, side, frames, code = ErrorCode.Protocol } of VIOLATIONS) {
  Deno.test(`Session ends on ${what}, telling the peer why`, async () => {
    using near = new SessionAndPeer(side);
    if (side === "server") open(near, false);
    else near.peer.send(HTTPRequest, { stream: 1, payload: openingOf(1000) });
    await settled();
    near.peer.take();
    for (const [type, parts] of frames) near.peer.send(type, parts);
    await settled();
    assertEquals(near.end?.code, code, near.end?.message);
    const last = near.peer.take().at(-1);
    assertEquals(last?.type, Disconnect);
    assertEquals(decodeDisconnect(last?.payload ?? u32(0)).code, code);
    await near.peer.closed;
    assertEquals(near.ends.length, 1);
  });
}

Deno.test("Session ends on a text message, an empty message and an over-long one", async () => {
  for (
    const [message, code] of [
      ["text", ErrorCode.Protocol],
      [new Uint8Array(0), ErrorCode.Protocol],
      [new Uint8Array(MAX_TRANSPORT_MESSAGE + 1), ErrorCode.TooLarge],
    ] as const
  ) {
    const [socket, far] = MemorySocket.pair();
    using near = new SessionFixture("client", socket);
    const peer = new FramePeer(far);
    far.send(message);
    const { payload } = await peer.next(Disconnect);
    assertEquals([near.end?.code, decodeDisconnect(payload).code], [code, code]);
  }
});

Deno.test("Session takes a message up to its limit", async () => {
  using near = new SessionAndPeer("client");
  const room = MAX_TRANSPORT_MESSAGE - goldenFrame("ping").bytes.length;
  const heads: Uint8Array[] = [goldenFrame("ping").bytes];
  for (let rest = room, stream = 1; rest > 0; stream++) {
    const length = Math.min(rest - 10, MAX_HEAD_LENGTH);
    heads.push(frameOf(HTTPRequest, { stream, payload: new Uint8Array(length) }));
    rest -= length + 10;
  }
  near.peer.sendBytes(joined(...heads));
  await near.peer.next(Pong);
  assertEquals(near.end, undefined);
});

Deno.test("Session never calls anything that a peer sends its own fault", () => {
  for (const side of ["server", "client"] as const) {
    for (const { bytes } of GOLDEN_FRAMES) {
      for (let at = 0; at < Math.min(bytes.length, 40); at++) {
        for (const value of [0x00, 0x01, 0x04, 0x11, 0x12, 0x22, 0x30, 0x31, 0x7f, 0x80, 0xff]) {
          const mutant = bytes.slice();
          mutant[at] = value;
          using near = new SessionAndPeer(side);
          if (side === "server") open(near, false);
          else near.session.onMessage(goldenFrame("request").bytes);
          near.session.onMessage(mutant);
          if (near.end === undefined) continue;
          assert(near.end instanceof SessionError);
          const fromPeer = frameType(mutant) === Disconnect;
          assert(fromPeer || near.end.code !== ErrorCode.Internal, String(near.end.cause));
        }
      }
    }
  }
});

// Registration.

Deno.test("Session hands registration frames to its owner until it is established", async () => {
  using near = new SessionAndPeer("client", { established: false });
  near.peer.send(RegistrationChallenge, { payload: "{}" });
  near.peer.send(RegistrationResponse, { payload: "{}" });
  await settled();
  assertEquals(near.registrations, [RegistrationChallenge, RegistrationResponse]);
  near.session.sendRegistration(RegistrationRequest, HEAD);
  assertEquals((await near.peer.next(RegistrationRequest)).payload, HEAD);
});

Deno.test("Session ends on a stream before the registration", async () => {
  using near = new SessionAndPeer("client", { established: false });
  near.peer.send(HTTPRequest, { stream: 1, payload: openingOf(1) });
  await near.peer.next(Disconnect);
  assertEquals([near.end?.code, near.streams.length], [ErrorCode.Protocol, 0]);
});

Deno.test("Session takes no message of more than 16 KiB before the registration", async () => {
  using good = new SessionAndPeer("server", { established: false });
  const ping = goldenFrame("ping").bytes;
  good.peer.sendBytes(joined(...new Array(20).fill(ping)));
  await settled();
  assertEquals([good.end, good.peer.take().length], [undefined, 20]);
  using full = new SessionAndPeer("server", { established: false });
  const first = frameOf(RegistrationRequest, { payload: new Uint8Array(MAX_REGISTRATION_LENGTH) });
  const second = new Uint8Array(MAX_REGISTRATION_LENGTH - 2 * FRAME_HEADER_LENGTH);
  full.peer.sendBytes(joined(first, frameOf(RegistrationRequest, { payload: second })));
  await settled();
  assertEquals([full.end, full.registrations.length], [undefined, 2]);
  using bad = new SessionAndPeer("server", { established: false });
  bad.peer.sendBytes(new Uint8Array(2 * MAX_REGISTRATION_LENGTH + 1));
  await bad.peer.next(Disconnect);
  assertEquals(bad.end?.code, ErrorCode.TooLarge);
});

Deno.test("streams may follow an accepted registration in the same turn", async () => {
  const [a, b] = MemorySocket.pair();
  using server = new SessionFixture("server", a, { established: false });
  using client = new SessionFixture("client", b, { established: false });
  client.whenRegistration = () => client.session.establish();
  server.session.establish();
  server.session.sendRegistration(RegistrationResponse, goldenFrame("registered").payload);
  for (let i = 0; i < 10; i++) {
    const { response } = server.session.open(HTTPRequest, longHead(MAX_HEAD_LENGTH / 4), true);
    response.catch(() => {});
  }
  await settled();
  assertEquals([client.end?.message, client.streams.length], [undefined, 10]);
});

// What a later version may add.

for (const side of ["server", "client"] as const) {
  for (const established of [false, true]) {
    const when = established ? "after" : "before";
    Deno.test(`Session ignores frame types and flags that nobody knows ${when} the registration, to the ${side}`, async () => {
      using near = new SessionAndPeer(side, { established });
      if (established && side === "server") open(near, true);
      if (established && side === "client") {
        near.peer.send(HTTPRequest, { stream: 1, flags: 0xfe, payload: openingOf(1) });
      }
      await settled();
      near.peer.take();
      // None of these streams but the first was ever opened.
      for (const stream of [0, 1, 2, MAX_STREAM_ID]) {
        for (const type of [0x00, 0x04, 0x1f, 0x7f, 0xff]) {
          near.peer.send(type, { stream, flags: 0xff, payload: "whatever it is" });
        }
      }
      near.peer.send(Ping, { flags: 0xff, payload: "12345678" });
      assertEquals((await near.peer.next(Pong)).flags, 0);
      assertEquals([near.end, near.registrations], [undefined, []]);
      assertEquals(near.session.load, established ? 1 : 0);
    });
  }
}

Deno.test("Session reads the flags that it knows beside those that it does not", async () => {
  using near = new SessionAndPeer("client");
  near.peer.send(HTTPRequest, { stream: 1, flags: 0xff, payload: openingOf(1) });
  near.peer.send(HTTPRequest, { stream: 2, flags: 0xfe, payload: openingOf(1) });
  await settled();
  assertEquals(near.streams.map(({ receiveEnded }) => receiveEnded), [true, false]);
});

Deno.test("Session.sendNotice sends to a peer that has the feature, and nothing to another", async () => {
  const { payload } = goldenFrame("notice");
  using old = new SessionAndPeer("server");
  old.session.sendNotice(payload);
  using near = new SessionAndPeer("server", { features: ["notices"] });
  near.session.sendNotice(payload);
  assertEquals((await near.peer.next(Notice)).payload, payload);
  assertEquals([old.session.features.size, old.peer.take()], [0, []]);
});

Deno.test("Session hands a Notice to its owner where the feature was agreed, and ignores it elsewhere", async () => {
  const { bytes, payload } = goldenFrame("notice");
  using near = new SessionAndPeer("client", { features: ["notices"] });
  near.peer.sendBytes(bytes);
  using old = new SessionAndPeer("client");
  old.peer.sendBytes(bytes);
  using fresh = new SessionAndPeer("client", { established: false });
  fresh.peer.sendBytes(bytes);
  await settled();
  assertEquals(near.notices, [payload]);
  assertEquals([old.notices, old.end, fresh.notices, fresh.end], [[], undefined, [], undefined]);
});

Deno.test("Session ends on a Notice from a client that has the feature, and ignores one from another", async () => {
  const { bytes } = goldenFrame("notice");
  using near = new SessionAndPeer("server", { features: ["notices"] });
  near.peer.sendBytes(bytes);
  using old = new SessionAndPeer("server");
  old.peer.sendBytes(bytes);
  await settled();
  assertEquals([near.end?.code, old.end], [ErrorCode.Protocol, undefined]);
});

// Order.

Deno.test("Session sends control frames past body data that waits for a full socket", async () => {
  using near = new SessionAndPeer("client");
  for (const stream of [1, 2]) {
    near.peer.send(HTTPRequest, { stream, payload: openingOf(8 * SOCKET_HIGH_WATER) });
  }
  await settled();
  const [first, second] = near.streams;
  near.socket.hold();
  const written = Promise.resolve(first?.write(new Uint8Array(4 * SOCKET_HIGH_WATER)));
  await settled(20);
  const before = near.socket.bufferedAmount;
  assert(before >= SOCKET_HIGH_WATER && before < 2 * SOCKET_HIGH_WATER, `${before} bytes`);
  second?.reset(ErrorCode.OriginUnreachable, "down");
  near.peer.send(Ping, { payload: "12345678" });
  await settled();
  near.socket.release();
  await written;
  await settled();
  const names = near.peer.takeNames();
  assert(names.indexOf("Reset") < names.lastIndexOf("Data"), "the Reset passed");
  assert(names.indexOf("Pong") < names.lastIndexOf("Data"), "the Pong passed");
});

Deno.test("a stream whose window is closed delays no other", async () => {
  using near = new SessionAndPeer("client");
  near.peer.send(HTTPRequest, { stream: 1, payload: openingOf(0) });
  near.peer.send(HTTPRequest, { stream: 2, payload: openingOf(1_000_000) });
  await settled();
  const [stalled, other] = near.streams;
  Promise.resolve(stalled?.write(new Uint8Array(10))).catch(() => {});
  await other?.end(new Uint8Array(500_000));
  await settled();
  const frames = near.peer.take();
  assert(frames.every(({ stream }) => stream === 2));
  assertEquals(frames.reduce((sum, { payload }) => sum + payload.length, 0), 500_000);
});

Deno.test("streams share the connection in turns of 64 KiB", async () => {
  using near = new SessionAndPeer("client");
  for (const stream of [1, 2, 3]) {
    near.peer.send(HTTPRequest, { stream, payload: openingOf(100 * MAX_DATA_LENGTH) });
  }
  await settled();
  const body = new Uint8Array(16 * MAX_DATA_LENGTH);
  await Promise.all(near.streams.map((stream) => stream.end(body)));
  await settled();
  const order = near.peer.take().map(({ stream }) => stream);
  for (const stream of [1, 2, 3]) {
    let gap = 0;
    const middle = order.slice(order.indexOf(3), order.length - 6);
    for (const each of middle) {
      gap = each === stream ? 0 : gap + 1;
      assert(gap <= 6, `stream ${stream} waited for ${gap} frames: ${order}`);
    }
  }
});

Deno.test("Session sends what a turn brings as one message", async () => {
  using near = new SessionAndPeer("server");
  for (let i = 0; i < 10; i++) open(near, true);
  await settled();
  assertEquals([near.peer.take().length, near.peer.messageLengths.length], [10, 1]);
});

Deno.test("Session never sends a message above the limit, however many large heads a turn brings", async () => {
  using near = new SessionAndPeer("server");
  for (let i = 0; i < 40; i++) {
    const { response } = near.session.open(HTTPRequest, longHead(60_000), true);
    response.catch(() => {});
  }
  await settled();
  const largest = Math.max(...near.peer.messageLengths);
  assert(largest <= MAX_TRANSPORT_MESSAGE, `a message of ${largest} bytes`);
});

Deno.test("Session counts what it receives and sends, in bytes", async () => {
  using near = new SessionAndPeer("client");
  near.peer.sendBytes(goldenFrame("ping").bytes);
  await near.peer.next(Pong);
  assertEquals([near.received, near.sent], [18, 18]);
});

// Heads.

Deno.test("Session resolves the head of the stream that it is for", async () => {
  using near = new SessionAndPeer("server");
  const first = near.session.open(HTTPRequest, GET, true);
  const second = near.session.open(WSRequest, GET, false);
  near.peer.send(WSResponse, { stream: 2, payload: "101\r\n" });
  near.peer.send(HTTPResponse, { stream: 1, payload: ANSWER });
  assertEquals(plain(await first.response), OK);
  assertEquals(plain(await second.response), ACCEPTED);
});

Deno.test("Session rejects a head with the peer's Reset or with its own", async () => {
  using near = new SessionAndPeer("server");
  const theirs = near.session.open(HTTPRequest, GET, true);
  const ours = near.session.open(HTTPRequest, GET, true);
  near.peer.send(Reset, { stream: 1, payload: coded(ErrorCode.OriginUnreachable, "refused") });
  ours.stream.reset(ErrorCode.Cancelled, "the visitor has left");
  const ourError = await assertRejects(() => ours.response, StreamError);
  assertEquals(ourError.code, ErrorCode.Cancelled);
  const theirError = await assertRejects(() => theirs.response, StreamError);
  assertEquals([theirError.code, theirError.message], [ErrorCode.OriginUnreachable, "refused"]);
});

Deno.test("Session rejects a head that does not come in time, and a late one is no error", async () => {
  using near = new SessionAndPeer("server", { headTimeout: 10 });
  const { stream, response } = near.session.open(HTTPRequest, GET, true);
  const error = await assertRejects(() => response, StreamError);
  assertEquals(error.code, ErrorCode.Timeout);
  stream.reset(ErrorCode.Timeout);
  near.peer.send(HTTPResponse, { stream: 1, payload: ANSWER });
  await settled();
  assertEquals(near.end, undefined);
});

Deno.test("Session waits anew for a head while the upload makes progress", async () => {
  using clock = new FakeClock();
  using near = new SessionAndPeer("server", { headTimeout: 1000 });
  const { stream, response } = near.session.open(HTTPRequest, GET, false);
  let failed = false;
  response.catch(() => failed = true);
  clock.advance(900);
  await stream.write(new Uint8Array(10));
  clock.advance(900);
  near.peer.send(Window, { stream: 1, payload: u32(10) });
  await settled();
  clock.advance(999);
  await settled();
  assertFalse(failed);
  clock.advance(1);
  await settled();
  assert(failed);
});

Deno.test("Session waits no longer for a head because of credit that is for nothing", async () => {
  const openings = [
    { what: "a request without a body", isEnded: true, body: 0 },
    { what: "a body that has ended", isEnded: false, body: 10 },
    { what: "a body of which nothing came", isEnded: false, body: 0 },
  ];
  for (const { what, isEnded, body } of openings) {
    using clock = new FakeClock();
    using near = new SessionAndPeer("server", { headTimeout: 1000 });
    const { stream, response } = near.session.open(HTTPRequest, GET, isEnded);
    if (body > 0) await stream.end(new Uint8Array(body));
    let code = 0;
    response.catch((error) => code = error.code);
    clock.advance(900);
    near.peer.send(Window, { stream: 1, payload: u32(1) });
    await settled();
    clock.advance(100);
    await settled();
    assertEquals(code, ErrorCode.Timeout, what);
  }
});

Deno.test("Session waits no longer for a head because of credit beyond what was sent", async () => {
  using clock = new FakeClock();
  using near = new SessionAndPeer("server", { headTimeout: 1000 });
  const { stream, response } = near.session.open(HTTPRequest, GET, false);
  let failed = false;
  response.catch(() => failed = true);
  await stream.write(new Uint8Array(10));
  clock.advance(900);
  near.peer.send(Window, { stream: 1, payload: u32(10) });
  await settled();
  clock.advance(900);
  near.peer.send(Window, { stream: 1, payload: u32(10) });
  await settled();
  clock.advance(100);
  await settled();
  assert(failed);
});

// Keepalive.

Deno.test("Session answers a Ping with its bytes", async () => {
  using near = new SessionAndPeer("client");
  near.peer.sendBytes(goldenFrame("ping").bytes);
  assertEquals((await near.peer.next(Pong)).payload, goldenFrame("pong").payload);
});

Deno.test("Session ends on a flood of pings, and only then", async () => {
  using near = new SessionAndPeer("client");
  const pings = (count: number) => joined(...new Array(count).fill(goldenFrame("ping").bytes));
  near.peer.sendBytes(pings(20));
  await settled();
  near.session.beat(performance.now(), false);
  near.peer.sendBytes(pings(20));
  await settled();
  assertEquals([near.end, near.peer.take().length], [undefined, 40]);
  near.peer.sendBytes(pings(1));
  await settled();
  assertEquals(near.end?.code, ErrorCode.Protocol);
});

Deno.test("Session pings after 10 s of silence and ends after 20 s", async () => {
  using clock = new FakeClock();
  using near = new SessionAndPeer("client");
  clock.advance(PING_AFTER - 1);
  await settled();
  assertEquals(near.peer.take(), []);
  clock.advance(1);
  const ping = await near.peer.next(Ping);
  assertEquals(ping.payload.length, 8);
  clock.advance(DEAD_AFTER - PING_AFTER - 1);
  assertEquals(near.end, undefined);
  clock.advance(1);
  assertEquals(near.end?.code, ErrorCode.Silent);
  assertEquals(clock.pending, 0);
});

Deno.test("Session lives as long as anything is heard", async () => {
  using clock = new FakeClock();
  using near = new SessionAndPeer("client");
  for (let i = 0; i < 20; i++) {
    clock.advance(DEAD_AFTER - 2000);
    near.peer.send(Pong, { payload: "12345678" });
    await settled();
  }
  assertEquals(near.end, undefined);
});

Deno.test("Session asks before it judges after the process could not run", async () => {
  using clock = new FakeClock();
  using near = new SessionAndPeer("client");
  clock.sleep(3_600_000);
  near.session.beat(clock.now + 3_600_000, true);
  await near.peer.next(Ping);
  assertEquals([near.end, near.session.answering], [undefined, false]);
  near.peer.send(Pong, { payload: "12345678" });
  await settled();
  assert(near.session.answering);
});

Deno.test("Session.probe asks once and doubts the peer until it is heard", async () => {
  using near = new SessionAndPeer("server");
  assert(near.session.answering);
  near.session.probe();
  near.session.probe();
  assertFalse(near.session.answering);
  await settled();
  assertEquals(near.peer.takeNames(), ["Ping"]);
  near.peer.send(Pong, { payload: "12345678" });
  await settled();
  assert(near.session.answering);
});

// The end.

Deno.test("Session.close tells the peer, every stream and every head, and its owner once", async () => {
  using near = new SessionAndPeer("server");
  const opened = [1, 2, 3].map(() => near.session.open(HTTPRequest, GET, false));
  const aborts: Error[] = [];
  for (const { stream } of opened) stream.onAbort = (error) => aborts.push(error);
  near.session.close(ErrorCode.GoingAway, "stop");
  near.session.close(ErrorCode.Internal, "again");
  for (const { response, stream } of opened) {
    const error = await assertRejects(() => response, SessionError);
    assertEquals([error.code, error.message], [ErrorCode.GoingAway, "stop"]);
    assertThrows(() => stream.read(), SessionError);
  }
  assertEquals([aborts.length, near.ends.length, near.session.load], [3, 1, 0]);
  await settled();
  const last = near.peer.take().at(-1);
  assertEquals(decodeDisconnect(last?.payload ?? u32(0)), {
    code: ErrorCode.GoingAway,
    kind: "close",
    reason: "stop",
  });
});

Deno.test("Session sends nothing after its Disconnect, body data that waits least of all", async () => {
  using near = new SessionAndPeer("client");
  near.peer.send(HTTPRequest, { stream: 1, payload: openingOf(100 * MAX_DATA_LENGTH) });
  await settled();
  const [stream] = near.streams;
  const written = Promise.resolve(stream?.write(new Uint8Array(50 * MAX_DATA_LENGTH)));
  near.session.close(ErrorCode.GoingAway, "stop");
  await assertRejects(() => written, SessionError);
  await settled();
  assertEquals(near.peer.takeNames().at(-1), "Disconnect");
});

Deno.test("Session ends when the peer sends a Disconnect, and says nothing back", async () => {
  using near = new SessionAndPeer("client");
  near.peer.send(Disconnect, { payload: disconnect("close", 4711) });
  await near.peer.closed;
  assertEquals([near.end?.code, near.end?.message], [4711, "stop"]);
  assertEquals(near.peer.take(), []);
});

Deno.test("Session ends with its connection, however that ends", async () => {
  for (const end of [(s: MemorySocket) => s.cut(), (s: MemorySocket) => s.close(1000, "bye")]) {
    using near = new SessionAndPeer("server");
    const { response } = near.session.open(HTTPRequest, GET, true);
    end(near.socket);
    await assertRejects(() => response, SessionError);
    assertEquals([near.ends.length, near.end?.code], [1, ErrorCode.GoingAway]);
  }
});

Deno.test("Session ignores what comes after its end", async () => {
  using near = new SessionAndPeer("client");
  near.session.close(ErrorCode.None, "over");
  near.session.onMessage(frameOf(HTTPRequest, { stream: 1, payload: openingOf(1) }));
  near.session.onMessage(new Uint8Array(0));
  near.session.beat(performance.now() + 60_000, false);
  await settled();
  assertEquals([near.streams.length, near.ends.length], [0, 1]);
});

Deno.test("Session ends with Internal, and lives to tell, when its owner's handler throws", async () => {
  using near = new SessionAndPeer("client", { established: false });
  near.whenRegistration = () => {
    throw new TypeError("a bug");
  };
  near.peer.send(RegistrationChallenge, { payload: "{}" });
  const { payload } = await near.peer.next(Disconnect);
  const { code, reason } = decodeDisconnect(payload);
  assertEquals(code, ErrorCode.Internal);
  assertFalse(reason.includes("a bug"), "the peer need not know");
  assert(near.end?.cause instanceof TypeError);
});

// Draining.

Deno.test("Session.drain lets streams finish, both ways, and resolves when the peer agrees", async () => {
  const [a, b] = MemorySocket.pair();
  using server = new SessionFixture("server", a);
  using client = new SessionFixture("client", b);
  const { stream, response } = server.session.open(HTTPRequest, GET, false);
  let drained = false;
  const drain = server.session.drain("restart").then(() => drained = true);
  await settled();
  assertEquals([client.goaways, drained], [["restart"], false]);
  const [accepted] = client.streams;
  accepted?.respond(OK, false);
  await stream.end(new TextEncoder().encode("the rest"));
  await response;
  await settled();
  assertFalse(drained);
  await accepted?.end(new TextEncoder().encode("the answer"));
  await drain;
  assertEquals([server.end, client.end], [undefined, undefined]);
  assertEquals(server.session.load + client.session.load, 0);
});

Deno.test("Session.goAway sends the peer elsewhere once, and streams may still be opened until the drain", async () => {
  using near = new SessionAndPeer("server");
  near.session.goAway("restart");
  near.session.goAway("restart");
  assertEquals([near.session.usable, near.session.leaving], [true, true]);
  open(near, true);
  assertEquals(decodeDisconnect((await near.peer.next(Disconnect)).payload).kind, "goaway");
  void near.session.drain("restart");
  near.session.goAway("too late");
  await settled();
  assertEquals(near.peer.takeNames(), ["HTTPRequest", "Disconnect"]);
  assertFalse(near.session.usable);
});

Deno.test("Session.finishing tells whether streams from before the last GOAWAY are open", () => {
  using near = new SessionAndPeer("server");
  const before = open(near, true);
  assertFalse(near.session.finishing, "nobody was asked to go");
  near.session.goAway("restart");
  open(near, true);
  assert(near.session.finishing);
  before.reset(ErrorCode.Cancelled);
  assertFalse(near.session.finishing, "the one that is open came later");
  near.session.goAway("for another reason");
  assert(near.session.finishing, "it is from before that one");
});

Deno.test("Session tells its owner of a GOAWAY, answers nothing and serves on", async () => {
  using near = new SessionAndPeer("client");
  near.peer.send(Disconnect, { payload: disconnect("goaway") });
  near.peer.send(HTTPRequest, { stream: 1, flags: FrameFlag.EndStream, payload: openingOf(1) });
  await settled();
  assertEquals([near.goaways, near.streams.length, near.end], [["stop"], 1, undefined]);
  assertEquals(near.peer.takeNames(), []);
});

Deno.test("Session says once that its stream ids are low, opens those that are left, and ends with the last", async () => {
  using near = new SessionAndPeer("server", { streamIds: { last: 5, margin: 2 } });
  for (let id = 1; id < 3; id++) open(near, true);
  assertEquals([near.idsLow, near.session.idsLow], [0, false]);
  open(near, true);
  assertEquals([near.idsLow, near.session.idsLow, near.session.usable], [1, true, true]);
  open(near, true);
  const last = near.session.open(HTTPRequest, GET, true);
  assertEquals([near.idsLow, near.session.usable, near.session.load], [1, false, 5]);
  assertThrows(() => near.session.open(HTTPRequest, GET, true), StreamError);
  await settled();
  assertEquals(decodeDisconnect((await near.peer.skipTo(Disconnect)).payload).kind, "drain");
  for (let stream = 1; stream <= 5; stream++) {
    near.peer.send(HTTPResponse, { stream, flags: FrameFlag.EndStream, payload: ANSWER });
  }
  near.peer.send(Disconnect, { payload: disconnect("drain") });
  await last.response;
  await near.peer.closed;
  assertEquals([near.end?.code, near.session.load], [ErrorCode.GoingAway, 0]);
});

Deno.test("Session without a maximum of its own has every stream id of the wire", () => {
  assertEquals(ALL_STREAM_IDS.last, MAX_STREAM_ID);
  assert(ALL_STREAM_IDS.margin < MAX_STREAM_ID / 100);
});

Deno.test("Session.drain by the client lets in what was on its way and ends after the answer", async () => {
  using near = new SessionAndPeer("client");
  let drained = false;
  const drain = near.session.drain("stop").then(() => drained = true);
  const asked = decodeDisconnect((await near.peer.next(Disconnect)).payload);
  assertEquals([asked.kind, asked.code], ["drain", ErrorCode.GoingAway]);
  near.peer.send(HTTPRequest, { stream: 1, flags: FrameFlag.EndStream, payload: openingOf(1) });
  await settled();
  assertEquals([near.streams.length, near.end], [1, undefined]);
  near.peer.send(Disconnect, { payload: disconnect("drain") });
  await settled();
  assertFalse(drained, "a stream is open");
  near.streams[0]?.end();
  await drain;
  await settled();
  assertEquals(near.peer.takeNames(), ["Data"], "the answer to a drain is not answered");
});

Deno.test("a reset of the last stream while draining is the last that is sent of it", async () => {
  using near = new SessionAndPeer("client");
  near.peer.send(HTTPRequest, {
    stream: 1,
    flags: FrameFlag.EndStream,
    payload: openingOf(100 * MAX_DATA_LENGTH),
  });
  near.peer.send(Disconnect, { payload: disconnect("drain") });
  await settled();
  const [stream] = near.streams;
  const written = Promise.resolve(stream?.write(new Uint8Array(3 * MAX_DATA_LENGTH)));
  stream?.reset(ErrorCode.OriginCut, "gone");
  await assertRejects(() => written, StreamError);
  await settled();
  assertEquals(near.peer.takeNames(), ["Disconnect", "Reset"]);
});

Deno.test("Session.drain resolves for everybody who asked, and when the session ends", async () => {
  using near = new SessionAndPeer("server");
  open(near, true);
  const drains = [near.session.drain("one"), near.session.drain("two")];
  await settled();
  assertEquals(near.peer.takeNames(), ["HTTPRequest", "Disconnect"], "the peer is told once");
  near.session.close(ErrorCode.GoingAway, "stop");
  await Promise.all([...drains, near.session.drain("late")]);
});

// Over a real connection.

Deno.test("Session works over a real WebSocket, both ways, and ends with it", async () => {
  await using pair = await webSocketPair();
  using client = new SessionFixture("client", pair.near);
  using server = new SessionFixture("server", pair.far);
  const body = crypto.getRandomValues(new Uint8Array(60_000));
  const { stream, response } = server.session.open(HTTPRequest, GET, false);
  const upload = repeat(20, () => stream.write(body)).then(() => stream.end());
  while (client.streams.length === 0) await settled();
  const [accepted] = client.streams;
  assert(accepted !== undefined);
  accepted.respond(OK, false);
  await response;
  const echo = echoAll(accepted);
  const received = await readAll(stream);
  await Promise.all([upload, echo]);
  assertEquals(received, joined(...new Array(20).fill(body)));
  const left = client.session.drain("done");
  await Promise.all([left, server.session.drain("done too")]);
  server.session.close(ErrorCode.None, "over");
  while (client.end === undefined) await settled();
  assertEquals([client.end.code, client.end.message], [ErrorCode.None, "over"]);
});

function open(near: SessionAndPeer, end: boolean): Stream {
  const { stream, response } = near.session.open(HTTPRequest, GET, end);
  // Many a test ends while heads are awaited.
  response.catch(() => {});
  return stream;
}

function disconnect(
  kind: "close" | "drain" | "goaway",
  code: number = ErrorCode.GoingAway,
): Uint8Array {
  return encodeDisconnect({ code, kind, reason: "stop" });
}

/** Returns a payload that the codec accepts. */
function payloadFor(type: number): Uint8Array {
  return type === Data || type === WSMessage ? new Uint8Array(1) : u32(1);
}

function frameType(message: Uint8Array): number | undefined {
  return message[0];
}

function uint16(payload: Uint8Array): number {
  return uint32At(joined(new Uint8Array(2), payload.subarray(0, 2)), 0);
}

async function repeat(times: number, run: () => void | Promise<void>): Promise<void> {
  for (let i = 0; i < times; i++) await run();
}

async function readAll(stream: Stream): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (let chunk = await stream.read(); chunk; chunk = await stream.read()) {
    pieces.push(chunk.bytes);
  }
  return joined(...pieces);
}

async function echoAll(stream: Stream): Promise<void> {
  for (let chunk = await stream.read(); chunk; chunk = await stream.read()) {
    await stream.write(chunk.bytes);
  }
  await stream.end();
}

/** Returns a head of some length, in bytes, give or take a line. */
function longHead(length: number): RequestHead {
  return { ...GET, fields: [["x", "y".repeat(length - 100)]] };
}
