import { assert, assertEquals, assertGreaterOrEqual, assertRejects } from "@std/assert";
import { IdleWatch } from "../../../lib/server/proxy/idle_watch.ts";
import { RequestBody } from "../../../lib/server/proxy/request_body.ts";
import { responseBody } from "../../../lib/server/proxy/answer.ts";
import { ServerMetrics } from "../../../lib/server/admin/server_metrics.ts";
import { ErrorCode } from "../../../lib/wire/errors.ts";
import { FrameFlag, FrameType } from "../../../lib/wire/frame.ts";
import type { Answer, Visit } from "../../../lib/server/listen/visit.ts";
import type { Stream } from "../../../lib/mux/stream.ts";
import { FramingError } from "../../testing/byte_reader.ts";
import { eventually } from "../../testing/eventually.ts";
import { coded, type FramePeer, u32 } from "../../testing/frame_peer.ts";
import { answerWith, Listening } from "../../testing/listening.ts";
import { RawHTTP } from "../../testing/raw_http.ts";
import { SessionAndPeer } from "../../testing/session_fixture.ts";
import { GET } from "../../testing/heads.ts";
import { roomyRegistry } from "../../testing/roomy_registry.ts";

const { Data, HTTPRequest, HTTPResponse, Reset, Window } = FrameType;

const CHUNKED = "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n";

Deno.test("RequestBody resets the stream of a body that grows too long, and its visitor gets 413", async () => {
  await using uploads = new Uploads({ most: 1000 });
  using visitor = await uploads.visit();
  await visitor.send(`${CHUNKED}${chunk(1000)}`);
  await uploads.peer.skipTo(Data);
  await visitor.send(chunk(1));
  const { status, text } = await visitor.receiveAll("POST");
  assertEquals(status, 413);
  assert(text.includes("1000 bytes"), text);
  const reset = await uploads.peer.skipTo(Reset);
  assertEquals(codeOf(reset.payload), ErrorCode.TooLarge);
  assertEquals(uploads.limited(), { body: 1 });
});

Deno.test("RequestBody lets exactly as many bytes through as a body may have", async () => {
  await using uploads = new Uploads({ most: 1000 });
  using visitor = await uploads.visit();
  await visitor.send(`${CHUNKED}${chunk(400)}${chunk(600)}0\r\n\r\n`);
  await uploads.answer();
  assertEquals((await visitor.receiveAll("POST")).status, 200);
  assertEquals(uploads.limited(), {});
});

Deno.test("RequestBody cuts the connection where the answer's head is out already", async () => {
  await using uploads = new Uploads({ most: 1000 });
  using visitor = await uploads.visit();
  await visitor.send(`${CHUNKED}${chunk(10)}`);
  const { stream } = await uploads.peer.skipTo(HTTPRequest);
  uploads.peer.send(HTTPResponse, { stream, payload: "200\r\n" });
  uploads.peer.send(Data, { stream, payload: "so far" });
  const response = await visitor.receive("POST");
  assertEquals(await response.body.readText(6), "so far");
  await visitor.send(chunk(1000));
  assertEquals(codeOf((await uploads.peer.skipTo(Reset)).payload), ErrorCode.TooLarge);
  const { code } = await assertRejects(() => response.body.readAll(), FramingError);
  assertEquals(code, "truncated");
});

Deno.test("An endless body that was refused is not taken without an end", async () => {
  await using uploads = new Uploads({ most: 1000 });
  using visitor = await uploads.visit();
  const piece = chunk(64 * 1024);
  await visitor.send(`${CHUNKED}${piece}`);
  assertEquals((await visitor.receiveAll("POST")).status, 413);
  let isClosed = false;
  while (!isClosed) await visitor.send(piece).catch(() => isClosed = true);
});

Deno.test("RequestBody gives a body up that stops coming: 408, and the origin sees it broken off", async () => {
  await using uploads = new Uploads({ idle: 120 });
  using visitor = await uploads.visit();
  await visitor.send(`${CHUNKED}${chunk(5)}`);
  assertEquals((await visitor.receiveAll("POST")).status, 408);
  const reset = await uploads.peer.skipTo(Reset);
  assertEquals(codeOf(reset.payload), ErrorCode.Timeout);
  assertEquals(uploads.limited(), { idle: 1 });
});

Deno.test("RequestBody does not take an origin that does not read for a visitor that does not send", async () => {
  const idle = 120;
  await using uploads = new Uploads({ idle });
  using visitor = await uploads.visit();
  const length = 512 * 1024;
  const sending = visitor.send(`${CHUNKED}${chunk(length)}0\r\n\r\n`);
  const { stream } = await uploads.peer.skipTo(HTTPRequest);
  let received = 0;
  await eventually("the window to be used up", () => {
    for (const { type, payload } of uploads.peer.take()) {
      if (type === Data) received += payload.length;
    }
    return received === 256 * 1024;
  });
  const before = uploads.ticks();
  await eventually("some timeouts", () => uploads.ticks() - before > 30);
  uploads.peer.send(Window, { stream, payload: u32(length) });
  await uploads.answer(stream);
  assertEquals((await visitor.receiveAll("POST")).status, 200);
  await sending;
  assertEquals(uploads.limited(), {});
});

Deno.test("RequestBody leaves no timer behind, whatever ends it", async () => {
  await using uploads = new Uploads({ most: 1000 });
  for (const end of ["whole", "too long", "visitor left", "origin reset"]) {
    using visitor = await uploads.visit();
    await visitor.send(`${CHUNKED}${chunk(5)}`);
    const { stream } = await uploads.peer.skipTo(HTTPRequest);
    assertGreaterOrEqual(uploads.watched, 1);
    if (end === "whole") await visitor.send("0\r\n\r\n");
    else if (end === "too long") await visitor.send(`${chunk(2000)}0\r\n\r\n`);
    else if (end === "visitor left") visitor.close();
    else uploads.peer.send(Reset, { stream, payload: coded(ErrorCode.Cancelled) });
    await eventually(`the end of the watch: ${end}`, () => uploads.watched === 0);
    uploads.peer.send(Reset, { stream, payload: coded(ErrorCode.Cancelled) });
  }
});

Deno.test("RequestBody stops waiting for a visitor once its stream is over on this side", async () => {
  await using uploads = new Uploads({ idle: 120 });
  using visitor = await uploads.visit();
  await visitor.send(`${CHUNKED}${chunk(5)}`);
  await uploads.peer.skipTo(Data);
  uploads.reset();
  assertEquals((await visitor.receiveAll("POST")).status, 502);
  await eventually("the end of the watch", () => uploads.watched === 0);
  assertEquals(uploads.limited(), {});
});

/** A server with one tunnel, whose client is a peer that speaks frames. */
class Uploads implements AsyncDisposable {
  readonly #fixture = new SessionAndPeer("server");
  readonly #metrics = new ServerMetrics(roomyRegistry());
  readonly #idle: IdleWatch;
  readonly #most: number | null;
  #stream: Stream | undefined;
  readonly #listening: Listening;

  constructor({ most = null, idle }: { readonly most?: number | null; readonly idle?: number }) {
    this.#idle = new IdleWatch(idle);
    this.#most = most;
    this.#listening = new Listening((visit) => this.#carry(visit));
  }

  get peer(): FramePeer {
    return this.#fixture.peer;
  }

  /** Bodies that are watched. */
  get watched(): number {
    return this.#idle.size;
  }

  ticks(): number {
    return this.#idle.tick;
  }

  /** Ends the last stream as a server does that waits no longer for its answer. */
  reset(): void {
    this.#stream?.reset(ErrorCode.Cancelled, "no answer came about");
  }

  /** What was counted, without zeros. */
  limited(): Record<string, number> {
    const counts = Object.entries(this.#metrics.limited).map(([name, { value }]) => [name, value]);
    return Object.fromEntries(counts.filter(([, value]) => value !== 0));
  }

  async visit(): Promise<RawHTTP> {
    return await RawHTTP.open(this.#listening.port);
  }

  /** Answers a request once its end has come. */
  async answer(known?: number): Promise<void> {
    const stream = known ?? (await this.peer.skipTo(HTTPRequest)).stream;
    for (;;) {
      const { flags } = await this.peer.skipTo(Data);
      if ((flags & FrameFlag.EndStream) !== 0) break;
    }
    this.peer.send(HTTPResponse, {
      stream,
      flags: FrameFlag.EndStream,
      payload: "200\r\ncontent-length: 0\r\n",
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fixture[Symbol.dispose]();
    await eventually("the end of all bodies", () => this.watched === 0);
    await this.#listening.shutdown();
  }

  async #carry(visit: Visit): Promise<Answer> {
    const { session } = this.#fixture;
    const { stream, response } = session.open(HTTPRequest, GET, false);
    this.#stream = stream;
    const { limited } = this.#metrics;
    const upload = new RequestBody(visit.readBody(), {
      most: this.#most,
      idle: this.#idle,
      limited,
    });
    void upload.send(stream);
    try {
      await response;
      upload.answered = true;
      return { status: 200, fields: [], body: responseBody(stream) };
    } catch {
      const { status = 502, reason = "failed" } = upload.refusal ?? {};
      return answerWith(reason, status);
    }
  }
}

/** Writes one chunk of so many bytes. */
function chunk(length: number): string {
  return `${length.toString(16)}\r\n${"x".repeat(length)}\r\n`;
}

function codeOf(payload: Uint8Array): number {
  return new DataView(payload.slice().buffer).getUint16(0);
}
