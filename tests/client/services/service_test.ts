import { assertEquals, assertMatch } from "@std/assert";
import { HandlerService } from "../../../lib/client/services/handler/handler_service.ts";
import { LocalHTTP } from "../../../lib/client/services/local_http/local_http.ts";
import type { Incoming, Service } from "../../../lib/client/services/service.ts";
import type { Field } from "../../../lib/http/fields.ts";
import type { RequestHead, ResponseHead } from "../../../lib/http/head.ts";
import type { Chunk } from "../../../lib/mux/receive_queue.ts";
import { FrameFlag, FrameType } from "../../../lib/wire/frame.ts";
import { eventually } from "../../testing/eventually.ts";
import { FakeIncoming, requestHead } from "../../testing/fake_incoming.ts";
import { openingOf } from "../../testing/frame_peer.ts";
import { rawHead } from "../../testing/heads.ts";
import { toText } from "../../testing/latin1.ts";
import { ScriptedOrigin } from "../../testing/scripted_origin.ts";
import { SessionAndPeer } from "../../testing/session_fixture.ts";
import { settled } from "../../testing/turn.ts";
import { within } from "../../testing/within.ts";

// A service can be wrapped by another one that sees all that passes: what an inspector does.

/** What was noted of an exchange. */
interface Note {
  readonly head: RequestHead;
  readonly upload: Uint8Array[];
  readonly answer: Uint8Array[];
  response: ResponseHead | null;
}

/** Notes the exchanges of another service, and can serve one of them once more. */
class RecordingService implements Service {
  readonly notes: Note[] = [];

  constructor(readonly inner: Service) {}

  async serve(incoming: Incoming, head: RequestHead): Promise<void> {
    const note: Note = { head, upload: [], answer: [], response: null };
    this.notes.push(note);
    await this.inner.serve(new NotedIncoming(incoming, note), head);
  }

  /** Serves a noted request to a visitor who is not there. */
  async replay({ head, upload }: Note): Promise<void> {
    const incoming = new FakeIncoming(FrameType.HTTPRequest, { hasBody: upload.length > 0 });
    const served = this.serve(incoming, head);
    for (const piece of upload) incoming.give(piece);
    if (upload.length > 0) incoming.giveEnd();
    await served;
  }

  close(): void {
    this.inner.close();
  }
}

/** The service's end of an exchange, which notes what is read and written on it. */
class NotedIncoming implements Incoming {
  readonly type: number;

  constructor(readonly incoming: Incoming, readonly note: Note) {
    this.type = incoming.type;
  }

  get receiveEnded(): boolean {
    return this.incoming.receiveEnded;
  }

  get trailers(): readonly Field[] | null {
    return this.incoming.trailers;
  }

  get sendEnded(): boolean {
    return this.incoming.sendEnded;
  }

  get onAbort(): Incoming["onAbort"] {
    return this.incoming.onAbort;
  }

  set onAbort(listener: Incoming["onAbort"]) {
    this.incoming.onAbort = listener;
  }

  read(): Chunk | null | Promise<Chunk | null> {
    const read = this.incoming.read();
    return read instanceof Promise ? read.then((chunk) => this.#noted(chunk)) : this.#noted(read);
  }

  readNow(): Chunk | undefined {
    return this.#noted(this.incoming.readNow());
  }

  sendInterim(head: ResponseHead): void {
    this.incoming.sendInterim(head);
  }

  respond(head: ResponseHead, end: boolean): void {
    this.note.response = { status: head.status, fields: head.fields };
    this.incoming.respond(head, end);
  }

  credit(): number | Promise<number> {
    return this.incoming.credit();
  }

  write(bytes: Uint8Array): void | Promise<void> {
    this.note.answer.push(bytes.slice());
    return this.incoming.write(bytes);
  }

  sendTrailers(fields: readonly Field[]): void {
    this.incoming.sendTrailers(fields);
  }

  end(bytes?: Uint8Array): void | Promise<void> {
    if (bytes !== undefined) this.note.answer.push(bytes.slice());
    return this.incoming.end(bytes);
  }

  writeMessage(bytes: Uint8Array, text: boolean): void | Promise<void> {
    return this.incoming.writeMessage(bytes, text);
  }

  teardown(payload: Uint8Array): void {
    this.incoming.teardown(payload);
  }

  reset(code: number, reason?: string): void {
    this.incoming.reset(code, reason);
  }

  #noted<T extends Chunk | null | undefined>(chunk: T): T {
    if (chunk) this.note.upload.push(chunk.bytes.slice());
    return chunk;
  }
}

Deno.test("a wrapper notes what a LocalHTTP answers, and serves a noted request once more", async () => {
  await using origin = ScriptedOrigin.start((exchange) =>
    exchange.answer("HTTP/1.1 201 Created\r\nX-A: 1\r\nContent-Length: 6\r\n\r\nthanks")
  );
  const service = new RecordingService(
    new LocalHTTP({
      origin: { kind: "http", host: "127.0.0.1", port: origin.port },
      hostHeader: null,
    }),
  );
  const incoming = new FakeIncoming(FrameType.HTTPRequest, { hasBody: true });
  const served = service.serve(
    incoming,
    requestHead({
      method: "POST",
      target: "/hook?a=1",
      fields: [["host", "app.example"], ["content-length", "8"]],
    }),
  );
  incoming.give("one ");
  incoming.give("two!");
  incoming.giveEnd();
  await within(served, "the end of an exchange");
  assertEquals([incoming.head?.status, incoming.text], [201, "thanks"]);

  const [first] = service.notes;
  if (first === undefined) throw new Error("nothing was noted");
  await within(service.replay(first), "the end of a replay");
  service.close();
  for (const { head, response, upload, answer } of service.notes) {
    assertEquals([head.method, head.target], ["POST", "/hook?a=1"]);
    assertEquals(response, { status: 201, fields: [["x-a", "1"], ["content-length", "6"]] });
    assertEquals([upload, answer].map((pieces) => pieces.map(toText).join("")), [
      "one two!",
      "thanks",
    ]);
  }
  assertEquals(service.notes.length, 2);
  for (const { received } of [await origin.next(), await origin.next()]) {
    assertMatch(received, /^POST \/hook\?a=1 HTTP\/1\.1\r\n[^]*\r\n\r\none two!$/);
  }
});

Deno.test("an upload that ends before its announced length is cut for every kind of service", async () => {
  const begun: string[] = [];
  const seen: string[] = [];
  const see = async (who: string, reading: Promise<unknown>) => {
    begun.push(who);
    seen.push(`${who}: ${await reading.then(() => "whole", () => "cut")}`);
  };
  await using origin = ScriptedOrigin.start(({ body }) => see("an origin", body.readAll()));
  const services = [
    new LocalHTTP({
      origin: { kind: "http", host: "127.0.0.1", port: origin.port },
      hostHeader: null,
    }),
    new HandlerService(async (request) => {
      await see("a handler", request.text());
      return new Response(null);
    }),
  ];
  const head = rawHead("POST / HTTP/1.1", [["host", "a"], ["content-length", "5"]]);
  for (const [i, service] of services.entries()) {
    using near = new SessionAndPeer("client");
    near.peer.send(FrameType.HTTPRequest, { stream: 1, payload: openingOf(1_000, head) });
    await settled();
    const [stream] = near.streams;
    if (stream === undefined) throw new Error("no stream was accepted");
    const served = service.serve(
      stream,
      requestHead({ method: "POST", fields: [["host", "a"], ["content-length", "5"]] }),
    );
    await eventually("the service to be asked", () => begun.length === i + 1);
    near.peer.send(FrameType.Data, { stream: 1, flags: FrameFlag.EndStream, payload: "four" });
    await within(served, "the end of an exchange");
    service.close();
  }
  await eventually("both to be told", () => seen.length === 2);
  assertEquals(seen.toSorted(), ["a handler: cut", "an origin: cut"]);
});

Deno.test("a wrapper passes on that the visitor leaves, and the reset of a service that fails", async () => {
  await using origin = ScriptedOrigin.start((exchange) => exchange.hangUp());
  const service = new RecordingService(
    new LocalHTTP({
      origin: { kind: "http", host: "127.0.0.1", port: origin.port },
      hostHeader: null,
    }),
  );
  const left = new FakeIncoming();
  const leaving = service.serve(left, requestHead());
  await within(origin.next(), "a request");
  left.leave();
  await within(leaving, "the end of an exchange");
  assertEquals(left.head, null);

  const refused = new FakeIncoming();
  const target = { target: "no path" };
  await within(service.serve(refused, requestHead(target)), "the end of an exchange");
  assertEquals([refused.head, refused.resetWith === null], [null, false]);
  service.close();
});
