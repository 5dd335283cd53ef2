import { assert, assertEquals } from "@std/assert";
import { splice, type SpliceOptions } from "../../../lib/server/cluster/splice.ts";
import { ErrorCode } from "../../../lib/wire/errors.ts";
import { FrameFlag, frameName, FrameType } from "../../../lib/wire/frame.ts";
import { INITIAL_WINDOW, MAX_DATA_LENGTH } from "../../../lib/wire/limits.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { coded, creditsOf, openingOf, u32 } from "../../testing/frame_peer.ts";
import { SessionAndPeer } from "../../testing/session_fixture.ts";
import { settled } from "../../testing/turn.ts";
import { GET } from "../../testing/heads.ts";

const HEAD = "200\r\n";

Deno.test("splice sends heads, bodies and ends on as they come, in one frame each", async () => {
  using scene = await Scene.open(FrameType.HTTPRequest);
  scene.fromVisitor(FrameType.Data, { payload: "one" });
  scene.fromVisitor(FrameType.Data, { payload: "two", flags: FrameFlag.EndStream });
  await settled();
  assertEquals(scene.seenByClient(), ["HTTPRequest", "Data one", "Data two END"]);
  scene.fromClient(FrameType.HTTPResponse, { payload: HEAD });
  scene.fromClient(FrameType.Data, { payload: "three", flags: FrameFlag.EndStream });
  await settled();
  assertEquals(scene.seenByVisitor(), [`HTTPResponse ${HEAD}`, "Data three END"]);
  await scene.finished;
  assertEquals([scene.near.session.load, scene.far.session.load], [0, 0]);
});

Deno.test("splice ends an answer with its head when it has no body", async () => {
  using scene = await Scene.open(FrameType.HTTPRequest, true);
  scene.fromClient(FrameType.HTTPResponse, { payload: HEAD, flags: FrameFlag.EndStream });
  await scene.finished;
  await settled();
  assertEquals(scene.seenByVisitor(), [`HTTPResponse ${HEAD} END`]);
});

Deno.test("splice keeps the parts of a WebSocket message, their kind and the close", async () => {
  using scene = await Scene.open(FrameType.WSRequest);
  scene.fromClient(FrameType.WSResponse, { payload: "101\r\n" });
  scene.fromVisitor(FrameType.WSMessage, { payload: "a", flags: FrameFlag.Text | FrameFlag.More });
  await settled();
  scene.fromVisitor(FrameType.WSMessage, { payload: "b", flags: FrameFlag.Text });
  scene.fromVisitor(FrameType.WSMessage, { payload: "" });
  scene.fromVisitor(FrameType.WSTeardown, { payload: coded(1000, "bye") });
  await settled();
  assertEquals(scene.seenByClient(), [
    "WSRequest",
    "WSMessage a TEXT MORE",
    "WSMessage b TEXT",
    "WSMessage ",
    "WSTeardown \u0003\ufffdbye",
  ]);
  scene.fromClient(FrameType.WSTeardown, { payload: coded(1000) });
  await scene.finished;
});

Deno.test("splice resets the client's stream with the visitor's", async () => {
  using scene = await Scene.open(FrameType.HTTPRequest);
  scene.fromVisitor(FrameType.Reset, { payload: coded(ErrorCode.Cancelled, "the visitor left") });
  await scene.finished;
  await settled();
  assertEquals(scene.seenByClient().at(-1), "Reset \u0000\u0006the visitor left");
});

Deno.test("splice sends on what the visitor had sent before its Reset, however many came at once", async () => {
  using scene = await Scene.open(FrameType.WSRequest);
  scene.fromClient(FrameType.WSResponse, { payload: "101\r\n" });
  await settled();
  for (const payload of ["a", "b", "c"]) scene.fromVisitor(FrameType.WSMessage, { payload });
  scene.fromVisitor(FrameType.Reset, { payload: coded(ErrorCode.Cancelled, "left") });
  await scene.finished;
  await settled();
  assertEquals(scene.seenByClient(), [
    ...["WSRequest", "WSMessage a", "WSMessage b", "WSMessage c"],
    "Reset \u0000\u0006left",
  ]);
});

Deno.test("splice does not wait for long for a client that takes nothing of what the visitor had sent", async () => {
  using clock = new FakeClock();
  using scene = await Scene.open(FrameType.HTTPRequest);
  const piece = new Uint8Array(MAX_DATA_LENGTH);
  for (let i = 0; i < INITIAL_WINDOW / piece.length; i++) {
    scene.fromVisitor(FrameType.Data, { payload: piece });
    await settled();
  }
  scene.fromVisitor(FrameType.Data, { payload: piece });
  scene.fromVisitor(FrameType.Reset, { payload: coded(ErrorCode.Cancelled, "left") });
  await settled();
  clock.advance(1_999);
  await settled();
  const reset = "Reset \u0000\u0006left";
  assertEquals(scene.seenByClient().includes(reset), false);
  clock.advance(1);
  await scene.finished;
  await settled();
  const [ping = "", ...others] = scene.seenByClient();
  assert(ping.startsWith("Ping "), "a client that is not heard after so many bytes is asked");
  assertEquals(others, [reset]);
});

Deno.test("splice passes the client's Reset on, before its head and behind half an answer", async () => {
  for (const isAnswered of [false, true]) {
    using scene = await Scene.open(FrameType.HTTPRequest, true);
    if (isAnswered) {
      scene.fromClient(FrameType.HTTPResponse, { payload: HEAD });
      scene.fromClient(FrameType.Data, { payload: "half" });
    }
    scene.fromClient(FrameType.Reset, { payload: coded(ErrorCode.OriginCut, "cut") });
    await scene.finished;
    await settled();
    const answer = isAnswered ? [`HTTPResponse ${HEAD}`, "Data half"] : [];
    assertEquals(scene.seenByVisitor(), [...answer, "Reset \u0000\u0009cut"]);
  }
});

Deno.test("splice gives a whole answer before the Reset of a client that wants no more of the request", async () => {
  using scene = await Scene.open(FrameType.HTTPRequest);
  scene.fromClient(FrameType.HTTPResponse, { payload: HEAD });
  scene.fromClient(FrameType.Data, { payload: "no, thanks", flags: FrameFlag.EndStream });
  scene.fromClient(FrameType.Reset, { payload: coded(ErrorCode.None) });
  await scene.finished;
  await settled();
  assertEquals(scene.seenByVisitor(), [
    `HTTPResponse ${HEAD}`,
    "Data no, thanks END",
    "Reset \u0000\u0000the peer reset the stream",
  ]);
});

Deno.test("splice cuts a body that is longer than the owner allows, and has it answered", async () => {
  let answered = 0;
  using scene = await Scene.open(FrameType.HTTPRequest, false, INITIAL_WINDOW, {
    maxBody: 5,
    onTooLong: (most) => {
      answered = most;
      return Promise.resolve();
    },
  });
  scene.fromVisitor(FrameType.Data, { payload: "five!" });
  await settled();
  assertEquals([scene.seenByClient(), answered], [["HTTPRequest", "Data five!"], 0]);
  scene.fromVisitor(FrameType.Data, { payload: "6" });
  await scene.finished;
  await settled();
  const reset = new TextDecoder().decode(
    coded(ErrorCode.TooLarge, "the request's body is too long"),
  );
  assertEquals([scene.seenByClient(), answered], [[`Reset ${reset}`], 5]);
});

Deno.test("splice lets no client say that its tunnel is elsewhere", async () => {
  using scene = await Scene.open(FrameType.HTTPRequest, true);
  scene.fromClient(FrameType.Reset, { payload: coded(ErrorCode.NotHere, "not here") });
  await scene.finished;
  await settled();
  assertEquals(scene.seenByVisitor(), ["Reset \u0000\u0004not here"]);
});

Deno.test("splice tells the visitor's node when the client's session ends", async () => {
  using scene = await Scene.open(FrameType.HTTPRequest, true);
  scene.far.session.close(ErrorCode.Silent, "gone");
  await scene.finished;
  await settled();
  assertEquals(scene.seenByVisitor(), ["Reset \u0000\u000bgone"]);
});

Deno.test("splice gives credit only for what the other side has taken", async () => {
  using scene = await Scene.open(FrameType.HTTPRequest, true, 1000);
  scene.fromClient(FrameType.HTTPResponse, { payload: HEAD });
  const piece = new Uint8Array(MAX_DATA_LENGTH);
  for (let i = 0; i < INITIAL_WINDOW / piece.length; i++) {
    scene.fromClient(FrameType.Data, { payload: piece });
  }
  await settled();
  assertEquals(creditsOf(scene.far.peer.take(), FrameType.Window), []);
  // The visitor's window was of 1000 bytes; with room for two pieces, credit comes for what was read.
  scene.fromVisitor(FrameType.Window, { payload: u32(INITIAL_WINDOW) });
  await settled(20);
  const [credit = 0] = creditsOf(scene.far.peer.take(), FrameType.Window);
  assertEquals(credit > 0, true);
});

/** A stream from another node and one to a client, joined, with a peer that speaks frames at either end. */
class Scene implements Disposable {
  readonly near = new SessionAndPeer("client");
  readonly far = new SessionAndPeer("server");
  finished: Promise<void> = Promise.resolve();

  /** Opens both streams; `end` says that no body follows, `window` what the visitor's node takes. */
  static async open(
    type: number,
    end = false,
    window = INITIAL_WINDOW,
    options: SpliceOptions = {},
  ): Promise<Scene> {
    const scene = new Scene();
    const flags = end ? FrameFlag.EndStream : 0;
    scene.near.peer.send(type, { stream: 1, flags, payload: openingOf(window) });
    await settled();
    const [stream] = scene.near.streams;
    if (stream === undefined) throw new Error("no stream came");
    scene.finished = splice(stream, scene.far.session.open(type, GET, end), options);
    return scene;
  }

  fromVisitor(type: number, parts: { flags?: number; payload?: Uint8Array | string }): void {
    this.near.peer.send(type, { stream: 1, ...parts });
  }

  fromClient(type: number, parts: { flags?: number; payload?: Uint8Array | string }): void {
    this.far.peer.send(type, { stream: 1, ...parts });
  }

  seenByVisitor(): string[] {
    return shown(this.near);
  }

  seenByClient(): string[] {
    return shown(this.far);
  }

  [Symbol.dispose](): void {
    this.near[Symbol.dispose]();
    this.far[Symbol.dispose]();
  }
}

/** Shows frames as their name, content and flags; credit aside, which comes when it comes. */
function shown({ peer }: SessionAndPeer): string[] {
  return peer.take().filter(({ type }) => type !== FrameType.Window).map((frame) => {
    const isOpening = frame.type === FrameType.HTTPRequest || frame.type === FrameType.WSRequest;
    const text = isOpening ? "" : ` ${new TextDecoder().decode(frame.payload)}`;
    const isMessage = frame.type === FrameType.WSMessage;
    const flags = [
      (frame.flags & FrameFlag.EndStream) !== 0 ? " END" : "",
      isMessage && (frame.flags & FrameFlag.Text) !== 0 ? " TEXT" : "",
      isMessage && (frame.flags & FrameFlag.More) !== 0 ? " MORE" : "",
    ];
    return `${frameName(frame.type)}${text}${flags.join("")}`;
  });
}
