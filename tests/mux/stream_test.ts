import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import type { ResponseHead } from "../../lib/http/head.ts";
import { ErrorCode, StreamError } from "../../lib/wire/errors.ts";
import type { Feature } from "../../lib/wire/features.ts";
import { decodeReset, encodeReset } from "../../lib/wire/reasons.ts";
import { FrameFlag, FrameType } from "../../lib/wire/frame.ts";
import { INITIAL_WINDOW, MAX_DATA_LENGTH, MESSAGE_COST } from "../../lib/wire/limits.ts";
import type { Chunk } from "../../lib/mux/receive_queue.ts";
import type { Stream } from "../../lib/mux/stream.ts";
import { coded, creditsOf, frameOf, joined, openingOf, u32 } from "../testing/frame_peer.ts";
import { SessionAndPeer } from "../testing/session_fixture.ts";
import { settled } from "../testing/turn.ts";
import { GET, OK, plain, rawHead } from "../testing/heads.ts";

const { Data, HTTPRequest, HTTPResponse, ReasonPhrase, Reset, Window } = FrameType;
const { Interim } = FrameType;
const { Trailers, WSMessage, WSRequest, WSTeardown } = FrameType;

/** Bytes of credit that no test here uses up. */
const PLENTY = 1 << 30;

// Sending.

Deno.test("Stream.write copies its bytes before it returns when there is room", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near);
  const bytes = text("before");
  assertStrictEquals(stream.write(bytes), undefined);
  bytes.fill(0);
  await settled();
  assertEquals(body(near), "before");
});

Deno.test("Stream.write of nothing sends nothing", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near);
  await stream.write(new Uint8Array(0));
  await stream.end(text("x"));
  await settled();
  assertEquals(shapes(near), [[Data, FrameFlag.EndStream, 1]]);
});

Deno.test("Stream.write cuts what is long into frames of 64 KiB", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near, { window: PLENTY });
  await stream.write(new Uint8Array(2 * MAX_DATA_LENGTH + 5));
  await settled();
  assertEquals(shapes(near), [[Data, 0, MAX_DATA_LENGTH], [Data, 0, MAX_DATA_LENGTH], [
    Data,
    0,
    5,
  ]]);
});

Deno.test("Stream.write sends as much as the window allows and goes on with each credit", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near, { window: 4 });
  const written = watch(stream.write(text("0123456789")));
  await settled();
  assertEquals(body(near), "0123");
  near.peer.send(Window, { stream: 1, payload: u32(5) });
  await settled();
  assertEquals([body(near), written.done], ["45678", false]);
  near.peer.send(Window, { stream: 1, payload: u32(1) });
  await settled();
  assertEquals([body(near), written.done], ["9", true]);
});

Deno.test("Stream.write sends nothing at all on a window of nothing", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near, { window: 0 });
  const written = watch(stream.write(text("x")));
  await settled();
  assertEquals([shapes(near), written.done], [[], false]);
  near.peer.send(Window, { stream: 1, payload: u32(1) });
  await settled();
  assertEquals(body(near), "x");
});

Deno.test("Stream.end marks the last frame alone", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near, { window: PLENTY, end: true });
  await stream.end(new Uint8Array(MAX_DATA_LENGTH + 1));
  await settled();
  assertEquals(shapes(near), [[Data, 0, MAX_DATA_LENGTH], [Data, FrameFlag.EndStream, 1]]);
  assertEquals([stream.sendEnded, near.session.load], [true, 0]);
});

Deno.test("Stream.end without bytes needs no window", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near, { window: 0 });
  assertStrictEquals(stream.end(), undefined);
  await settled();
  assertEquals(shapes(near), [[Data, FrameFlag.EndStream, 0]]);
});

Deno.test("Stream.respond sends a head at once, window or not, and may end the stream", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near, { window: 0, end: true });
  stream.respond(OK, true);
  await settled();
  assertEquals(shapes(near), [[HTTPResponse, FrameFlag.EndStream, 5]]);
  assertEquals(near.session.load, 0);
});

Deno.test("Stream.respond sends a reason phrase before its head, to a peer that has the feature", async () => {
  for (const features of [[], ["reason-phrases"]] satisfies Feature[][]) {
    using near = new SessionAndPeer("client", { features });
    const stream = await opened(near);
    stream.respond({ ...OK, reasonPhrase: "Fine" }, true);
    await settled();
    const phrase = { type: ReasonPhrase, flags: 0, stream: 1, payload: text("Fine") };
    const sent = near.peer.take();
    assertEquals(sent.map(({ type }) => type).at(-1), HTTPResponse);
    assertEquals(sent.slice(0, -1), features.length === 0 ? [] : [phrase]);
  }
});

Deno.test("a head comes with the last reason phrase before it, and one that is none resets its stream", async () => {
  using near = new SessionAndPeer("server", { features: ["reason-phrases"] });
  const open = () => near.session.open(HTTPRequest, GET, true);
  const answered = open();
  for (const payload of ["Good", "Fine", "200\r\n"]) {
    const type = payload.startsWith("2") ? HTTPResponse : ReasonPhrase;
    near.peer.send(type, { stream: 1, payload });
  }
  assertEquals((await answered.response).reasonPhrase, "Fine");
  for (const [index, payload] of ["a\r\nb", "\0", " a", "a\t"].entries()) {
    const refused = open();
    near.peer.send(ReasonPhrase, { stream: 2 + index, payload });
    const error = await assertRejects(() => refused.response, StreamError);
    assertEquals(error.code, ErrorCode.Protocol);
  }
  near.peer.send(ReasonPhrase, { stream: 1, payload: "late" });
  await settled();
  assertEquals(near.end?.code, ErrorCode.Protocol);
});

Deno.test("Stream sends trailers behind its body, and reads them at the end of the peer's", async () => {
  for (const features of [[], ["trailers"]] satisfies Feature[][]) {
    using near = new SessionAndPeer("client", { features });
    const stream = await opened(near);
    near.peer.send(Data, { stream: 1, payload: "in" });
    near.peer.send(Trailers, { stream: 1, payload: "x-sum: 1\r\ncookie: a\r\n" });
    near.peer.send(Data, { stream: 1, flags: FrameFlag.EndStream });
    await settled();
    assertEquals([content(await stream.read()), await stream.read()], ["in", null]);
    assertEquals(stream.trailers, features.length === 0 ? null : [["x-sum", "1"]]);
    stream.respond(OK, false);
    await stream.write(text("out"));
    stream.sendTrailers([["host", "not a trailer"]]);
    stream.sendTrailers([["x-sum", "2"], ["content-length", "1"]]);
    await stream.end();
    await settled();
    const sent = near.peer.take().filter(({ type }) => type === Trailers);
    const payloads = sent.map(({ payload }) => new TextDecoder().decode(payload));
    assertEquals(payloads, features.length === 0 ? [] : ["x-sum: 2\r\n"]);
    assertEquals(near.session.load, 0);
  }
});

Deno.test("trailers that are no fields reset their stream, and those at a wrong place end the session", async () => {
  for (const payload of ["x sum: 1\r\n", "x-sum: 1\n", "x-sum:1\r\n", "x-sum: 1\r\n\r\n"]) {
    using near = new SessionAndPeer("client", { features: ["trailers"] });
    const stream = await opened(near);
    near.peer.send(Data, { stream: 1, payload: "in" });
    near.peer.send(Trailers, { stream: 1, payload });
    await settled();
    assertEquals(content(await stream.read()), "in");
    const error = assertThrows(() => stream.read(), StreamError);
    assertEquals([error.code, near.end], [ErrorCode.Protocol, undefined]);
  }
  const section = frameOf(Trailers, { stream: 1, payload: "x-sum: 1\r\n" });
  const wrong = {
    "before the head": [section],
    "twice": [frameOf(HTTPResponse, { stream: 1, payload: "200\r\n" }), section, section],
    "behind the end": [
      frameOf(HTTPResponse, { stream: 1, flags: FrameFlag.EndStream, payload: "200\r\n" }),
      section,
    ],
  };
  for (const [name, frames] of Object.entries(wrong)) {
    using near = new SessionAndPeer("server", { features: ["trailers"] });
    const opened = near.session.open(HTTPRequest, GET, false);
    opened.response.catch(() => {});
    for (const frame of frames) near.peer.sendBytes(frame);
    await settled();
    assertEquals(near.end?.code, ErrorCode.Protocol, name);
  }
});

Deno.test("Stream.sendInterim sends heads before the answer's, without what an interim response has not", async () => {
  for (const features of [[], ["interim"]] satisfies Feature[][]) {
    using near = new SessionAndPeer("client", { features });
    const stream = await opened(near);
    stream.sendInterim({ status: 103, fields: [["link", "</a>"], ["content-length", "1"]] });
    for (const status of [99, 101, 200]) {
      if (features.length === 0) break;
      assertThrows(() => stream.sendInterim({ status, fields: [] }), StreamError);
    }
    stream.sendInterim({ status: 103, fields: [["link", "x".repeat(17_000)]] });
    stream.respond(OK, true);
    await settled();
    const sent = near.peer.take().filter(({ type }) => type === Interim);
    const payloads = sent.map(({ payload }) => new TextDecoder().decode(payload));
    assertEquals(payloads, features.length === 0 ? [] : ["103\r\nlink: </a>\r\n"]);
    // It may come late, and costs nothing then.
    stream.reset(0);
    stream.sendInterim({ status: 103, fields: [] });
  }
});

Deno.test("an Interim reaches who waits for the head, and one that is none or one too many resets its stream", async () => {
  using near = new SessionAndPeer("server", { features: ["interim"] });
  const open = () => {
    const { stream, head } = near.session.open(HTTPRequest, GET, true);
    const statuses: number[] = [];
    const outcome = new Promise<ResponseHead | Error>((resolve) =>
      head.receive({
        onHead: resolve,
        onFailure: resolve,
        onInterim: ({ status }) => statuses.push(status),
      })
    );
    return { stream, statuses, outcome };
  };
  const answered = open();
  for (let i = 0; i < 32; i++) near.peer.send(Interim, { stream: 1, payload: "103\r\n" });
  near.peer.send(HTTPResponse, { stream: 1, payload: "200\r\n" });
  assertEquals(await answered.outcome, { status: 200, fields: [] });
  assertEquals(answered.statuses, new Array(32).fill(103));
  const flooded = open();
  for (let i = 0; i < 33; i++) near.peer.send(Interim, { stream: 2, payload: "100\r\n" });
  assertInstanceOf(await flooded.outcome, StreamError);
  assertEquals(flooded.statuses.length, 32);
  for (const [index, payload] of ["101\r\n", "200\r\n", "103 \r\n", "103\r\na\r\n"].entries()) {
    const refused = open();
    near.peer.send(Interim, { stream: 3 + index, payload });
    assertInstanceOf(await refused.outcome, StreamError);
  }
  assertEquals(near.end, undefined);
  near.peer.send(Interim, { stream: 1, payload: "103\r\n" });
  await settled();
  assertEquals(near.end?.code, ErrorCode.Protocol);
});

Deno.test("Stream refuses to send after its end, or while a write is under way", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near, { window: 0 });
  const written = watch(stream.write(text("x")));
  for (
    const send of [
      () => stream.write(text("y")),
      () => stream.end(),
      () => stream.end(text("y")),
      () => stream.writeMessage(text("y"), true),
      () => stream.teardown(coded(1000)),
    ]
  ) {
    assertEquals(assertThrows(send, StreamError).code, ErrorCode.Internal);
  }
  near.peer.send(Window, { stream: 1, payload: u32(1) });
  await settled();
  assert(written.done);
  stream.end();
  assertThrows(() => stream.write(text("y")), StreamError);
  assertThrows(() => stream.end(), StreamError);
});

Deno.test("Stream sends a request's body on a window of 256 KiB", async () => {
  using near = new SessionAndPeer("server");
  const { stream, response } = near.session.open(HTTPRequest, GET, false);
  response.catch(() => {});
  const written = watch(stream.write(new Uint8Array(INITIAL_WINDOW + 1)));
  await settled(20);
  const [, ...data] = near.peer.take();
  assertEquals(data.reduce((sum, { payload }) => sum + payload.length, 0), INITIAL_WINDOW);
  near.peer.send(Window, { stream: 1, payload: u32(1) });
  await settled();
  assert(written.done);
});

Deno.test("Stream.credit tells how much the peer takes, and waits while that is nothing", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near, { window: 5 });
  stream.respond(OK, false);
  assertEquals(stream.credit(), 5);
  stream.write(text("12345"));
  const credit = stream.credit();
  assert(credit instanceof Promise);
  near.peer.send(Window, { stream: 1, payload: u32(3) });
  assertEquals(await credit, 3);
  stream.write(text("678"));
  const left = assertRejects(async () => await stream.credit(), StreamError);
  near.peer.send(Reset, { stream: 1, payload: coded(ErrorCode.Cancelled, "left") });
  await left;
  assertThrows(() => stream.credit(), StreamError);
});

// Receiving.

Deno.test("Stream.read returns what is here, waits for what is not, and ends with null", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near);
  near.peer.send(Data, { stream: 1, payload: "one" });
  await settled();
  assertEquals(content(await stream.read()), "one");
  const later = stream.read();
  assert(later instanceof Promise);
  near.peer.send(Data, { stream: 1, payload: "two", flags: FrameFlag.EndStream });
  assertEquals(content(await later), "two");
  await settled();
  assertStrictEquals(stream.read(), null);
  assertStrictEquals(stream.read(), null);
  assert(stream.receiveEnded);
});

Deno.test("Stream.readNow never waits", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near);
  assertStrictEquals(stream.readNow(), undefined);
  near.peer.send(Data, { stream: 1, payload: "one" });
  await settled();
  assertEquals(content(stream.readNow() ?? null), "one");
  assertStrictEquals(stream.readNow(), undefined);
});

Deno.test("Stream gives credit for what was read, not for what came", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near);
  sendBody(near, INITIAL_WINDOW);
  await settled();
  assertEquals(near.peer.take(), []);
  const half = INITIAL_WINDOW / 2;
  await readBytes(stream, half - MAX_DATA_LENGTH);
  await settled();
  assertEquals(near.peer.take(), [], "less than half the window waits");
  await readBytes(stream, MAX_DATA_LENGTH);
  await settled();
  assertEquals(creditsOf(near.peer.take(), Window), [half]);
});

Deno.test("Stream grows its window for a reader that keeps up", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near);
  sendBody(near, INITIAL_WINDOW);
  await settled();
  await readBytes(stream, INITIAL_WINDOW);
  await settled();
  const credits = creditsOf(near.peer.take(), Window);
  const sum = credits.reduce((total, credit) => total + credit, 0);
  assertEquals(sum, 4 * INITIAL_WINDOW, "what was read, and three times as much");
});

Deno.test("Stream gives no credit once the peer has ended", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near);
  sendBody(near, INITIAL_WINDOW - 1);
  near.peer.send(Data, { stream: 1, payload: "x", flags: FrameFlag.EndStream });
  await settled();
  await readBytes(stream, INITIAL_WINDOW);
  await settled();
  assertEquals(near.peer.take(), []);
});

Deno.test("a byte more than the window ends the session", async () => {
  using near = new SessionAndPeer("client");
  await opened(near);
  sendBody(near, INITIAL_WINDOW);
  await settled();
  assertStrictEquals(near.end, undefined);
  near.peer.send(Data, { stream: 1, payload: "x" });
  await settled();
  assertEquals(near.end?.code, ErrorCode.FlowControl);
});

// WebSocket messages.

Deno.test("Stream.writeMessage pays 64 beside each frame's payload and marks fragments", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near, { type: WSRequest, window: MESSAGE_COST + 4 });
  const written = watch(stream.writeMessage(text("0123456"), true));
  await settled();
  assertEquals(shapes(near), [[WSMessage, FrameFlag.Text | FrameFlag.More, 4]]);
  near.peer.send(Window, { stream: 1, payload: u32(MESSAGE_COST) });
  await settled();
  assertEquals([shapes(near), written.done], [[], false], "no room for a byte beside the cost");
  near.peer.send(Window, { stream: 1, payload: u32(3) });
  await settled();
  assertEquals([shapes(near), written.done], [[[WSMessage, FrameFlag.Text, 3]], true]);
});

Deno.test("an empty message waits for its cost", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near, { type: WSRequest, window: MESSAGE_COST - 1 });
  const written = watch(stream.writeMessage(text(""), false));
  await settled();
  assertEquals([shapes(near), written.done], [[], false]);
  near.peer.send(Window, { stream: 1, payload: u32(1) });
  await settled();
  assertEquals([shapes(near), written.done], [[[WSMessage, 0, 0]], true]);
});

Deno.test("Stream.teardown needs no window and ends this side", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near, { type: WSRequest, window: 0 });
  stream.teardown(coded(1000, "bye"));
  near.peer.send(WSTeardown, { stream: 1, payload: coded(1000) });
  await settled();
  assertEquals(shapes(near), [[WSTeardown, 0, 5]]);
  assertEquals(near.session.load, 0);
});

Deno.test("Stream refuses messages that cost more than the window allows, empty ones too", async () => {
  using near = new SessionAndPeer("client");
  await opened(near, { type: WSRequest });
  const messages = INITIAL_WINDOW / MESSAGE_COST;
  const empty = frameOf(WSMessage, { stream: 1 });
  near.peer.sendBytes(joined(...new Array(messages).fill(empty)));
  await settled();
  assertStrictEquals(near.end, undefined);
  near.peer.sendBytes(empty);
  await settled();
  assertEquals(near.end?.code, ErrorCode.FlowControl);
});

Deno.test("Stream gives back the cost of every frame of a message, however small its fragments", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near, { type: WSRequest });
  const frames = Math.floor(INITIAL_WINDOW / (MESSAGE_COST + 1));
  const fragment = frameOf(WSMessage, { stream: 1, flags: FrameFlag.More, payload: "x" });
  near.peer.sendBytes(joined(...new Array(frames).fill(fragment)));
  await settled();
  while (stream.readNow() !== undefined);
  await settled();
  const credits = creditsOf(near.peer.take(), Window);
  const given = credits.reduce((sum, credit) => sum + credit, 0);
  const spent = frames * (MESSAGE_COST + 1);
  assert(given >= spent / 2, `${given} bytes of credit came back for ${spent}`);
});

Deno.test("a fragment of nothing ends the session: a message of them would never end", async () => {
  using near = new SessionAndPeer("client");
  await opened(near, { type: WSRequest });
  near.peer.send(WSMessage, { stream: 1, flags: FrameFlag.More });
  await settled();
  assertEquals(near.end?.code, ErrorCode.Protocol);
});

// The end.

Deno.test("Stream.reset tells the peer, once, and ends both sides", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near);
  stream.reset(ErrorCode.OriginCut, "gone");
  stream.reset(ErrorCode.Internal, "again");
  await settled();
  assertEquals(near.peer.take().map(({ type, payload }) => [type, payload]), [
    [Reset, encodeReset(ErrorCode.OriginCut, "gone")],
  ]);
  assertEquals(assertThrows(() => stream.read(), StreamError).code, ErrorCode.OriginCut);
  assertThrows(() => stream.write(text("x")), StreamError);
  assertEquals(near.session.load, 0);
});

Deno.test("Stream.reset does nothing when both sides have ended", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near, { end: true });
  stream.end();
  stream.reset(ErrorCode.Internal, "late");
  await settled();
  assertEquals(shapes(near), [[Data, FrameFlag.EndStream, 0]]);
});

Deno.test("Stream.reset takes back a write that waits", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near, { window: 0 });
  const written = Promise.resolve(stream.write(text("x")));
  stream.reset(ErrorCode.Cancelled);
  assertEquals((await assertRejects(() => written, StreamError)).code, ErrorCode.Cancelled);
  near.peer.send(Window, { stream: 1, payload: u32(10) });
  await settled();
  assertEquals(near.peer.takeNames(), ["Reset"]);
});

Deno.test("Stream.reset never lets an answer that was dropped unread look complete", async () => {
  using near = new SessionAndPeer("server");
  const { stream, response } = near.session.open(HTTPRequest, GET, false);
  near.peer.send(HTTPResponse, { stream: 1, payload: "200\r\n" });
  near.peer.send(Data, { stream: 1, payload: "all of it", flags: FrameFlag.EndStream });
  await response;
  await settled();
  stream.reset(ErrorCode.Cancelled, "the upload was cut");
  assertThrows(() => stream.read(), StreamError);
});

Deno.test("a Reset from the peer fails what waits, and calls onAbort once", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near, { window: 0 });
  const aborts: Error[] = [];
  stream.onAbort = (error) => aborts.push(error);
  const read = Promise.resolve(stream.read());
  const written = Promise.resolve(stream.write(text("x")));
  near.peer.send(Reset, { stream: 1, payload: coded(ErrorCode.Cancelled, "left") });
  near.peer.send(Reset, { stream: 1, payload: coded(ErrorCode.Internal) });
  for (const waiting of [read, written]) {
    const error = await assertRejects(() => waiting, StreamError);
    assertEquals([error.code, error.message], [ErrorCode.Cancelled, "left"]);
  }
  await settled();
  assertEquals(aborts.length, 1);
  assertEquals([near.session.load, near.end], [0, undefined]);
});

Deno.test("a Reset leaves readable what came before it, and then tells", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near);
  near.peer.send(Data, { stream: 1, payload: "came" });
  near.peer.send(Reset, { stream: 1, payload: coded(ErrorCode.OriginCut) });
  await settled();
  assertEquals(content(await stream.read()), "came");
  assertEquals(assertThrows(() => stream.read(), StreamError).code, ErrorCode.OriginCut);
});

Deno.test("Reset(None) after a complete answer keeps all of it readable to its end", async () => {
  using near = new SessionAndPeer("server");
  const { stream, response } = near.session.open(HTTPRequest, GET, false);
  near.peer.send(HTTPResponse, { stream: 1, payload: "200\r\n" });
  near.peer.send(Data, { stream: 1, payload: "enough", flags: FrameFlag.EndStream });
  near.peer.send(Reset, { stream: 1, payload: coded(ErrorCode.None) });
  assertEquals(plain(await response), OK);
  await settled();
  assertEquals(content(await stream.read()), "enough");
  assertStrictEquals(await stream.read(), null);
  assert(stream.sendEnded, "the rest of the request is not wanted");
});

Deno.test("frames that were on their way when a stream was reset are ignored", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near);
  stream.reset(ErrorCode.Cancelled);
  near.peer.send(Data, { stream: 1, payload: "late" });
  near.peer.send(Data, { stream: 1, payload: new Uint8Array(MAX_DATA_LENGTH) });
  near.peer.send(Window, { stream: 1, payload: u32(1) });
  near.peer.send(Reset, { stream: 1, payload: coded(ErrorCode.None) });
  await settled();
  assertStrictEquals(near.end, undefined);
});

Deno.test("a body that is not as long as announced is cut: what came stays readable, and both sides are told", async () => {
  const { EndStream } = FrameFlag;
  const bodies = [
    { what: "too short", frames: [["four", EndStream]], readable: "four" },
    {
      what: "too short, with an end of its own",
      frames: [["four", 0], ["", EndStream]],
      readable: "four",
    },
    { what: "too long", frames: [["four", 0], ["teen", 0]], readable: "four" },
    { what: "too long at once", frames: [["eleven", EndStream]], readable: null },
  ] as const;
  for (const { what, frames, readable } of bodies) {
    using near = new SessionAndPeer("client");
    const stream = await opened(near, { length: 5 });
    let aborted: Error | null = null;
    stream.onAbort = (error) => aborted = error;
    for (const [payload, flags] of frames) near.peer.send(Data, { stream: 1, payload, flags });
    await settled();
    if (readable !== null) assertEquals(content(await stream.read()), readable, what);
    const error = assertThrows(() => stream.read(), StreamError);
    assertEquals([error.code, aborted === error], [ErrorCode.Protocol, true], what);
    const [reset] = near.peer.take();
    assertEquals([reset?.type, decodeReset(reset?.payload ?? text("")).code], [
      Reset,
      ErrorCode.Protocol,
    ]);
    assertEquals([near.session.load, near.end], [0, undefined]);
  }
});

Deno.test("a body that is as long as announced is whole, in pieces and with an end of its own", async () => {
  using near = new SessionAndPeer("client");
  const stream = await opened(near, { length: 5 });
  for (const payload of ["fi", "ve!"]) near.peer.send(Data, { stream: 1, payload });
  near.peer.send(Data, { stream: 1, flags: FrameFlag.EndStream });
  await settled();
  assertEquals([content(await stream.read()), content(await stream.read())], ["fi", "ve!"]);
  assertEquals([await stream.read(), near.peer.take()], [null, []]);
});

Deno.test("a request that has ended before its announced length is reset, and nobody is shown it", async () => {
  using near = new SessionAndPeer("client");
  near.peer.send(HTTPRequest, {
    stream: 1,
    flags: FrameFlag.EndStream,
    payload: openingOf(INITIAL_WINDOW, rawHead("POST / HTTP/1.1", [["content-length", "5"]])),
  });
  const { payload } = await near.peer.next(Reset);
  assertEquals(decodeReset(payload).code, ErrorCode.Protocol);
  assertEquals([near.streams.length, near.end], [0, undefined]);
});

/** Lets the peer open stream 1 and returns it. */
async function opened(
  near: SessionAndPeer,
  { type = HTTPRequest, window = INITIAL_WINDOW, end = false, length }: {
    readonly type?: number;
    readonly window?: number;
    readonly end?: boolean;
    /** Bytes of body that its head announces. @default none */
    readonly length?: number;
  } = {},
): Promise<Stream> {
  near.peer.send(type, {
    stream: 1,
    flags: end ? FrameFlag.EndStream : 0,
    payload: openingOf(
      window,
      length === undefined
        ? undefined
        : rawHead("POST / HTTP/1.1", [["content-length", `${length}`]]),
    ),
  });
  await settled();
  const [stream] = near.streams;
  if (stream === undefined) throw new Error(`the stream was not accepted: ${near.end?.message}`);
  return stream;
}

/** Sends that many bytes of body on stream 1. */
function sendBody(near: SessionAndPeer, length: number): void {
  for (let rest = length; rest > 0; rest -= MAX_DATA_LENGTH) {
    near.peer.send(Data, { stream: 1, payload: new Uint8Array(Math.min(rest, MAX_DATA_LENGTH)) });
  }
}

async function readBytes(stream: Stream, length: number): Promise<void> {
  for (let rest = length; rest > 0;) rest -= (await stream.read())?.bytes.length ?? rest;
}

/** Takes the frames that came: type, flags and length of each. */
function shapes(near: SessionAndPeer): [type: number, flags: number, length: number][] {
  return near.peer.take().map(({ type, flags, payload }) => [type, flags, payload.length]);
}

/** Takes the frames that came and returns the text of their payloads. */
function body(near: SessionAndPeer): string {
  return new TextDecoder().decode(joined(...near.peer.take().map(({ payload }) => payload)));
}

function content(chunk: Chunk | null): string | null {
  return chunk === null ? null : new TextDecoder().decode(chunk.bytes);
}

function text(value: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(value);
}

/** Follows a write without waiting for it; what ends it at the end of a test is no failure. */
function watch(written: void | Promise<void>): { done: boolean } {
  const state = { done: false };
  Promise.resolve(written).then(() => state.done = true, () => {});
  return state;
}
