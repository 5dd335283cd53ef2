import { assert, assertEquals, assertRejects } from "@std/assert";
import { APIError } from "../../../lib/client/inspector/api_error.ts";
import type { ReplayRequest } from "../../../lib/client/inspector/exchange.ts";
import type { ExchangeRecord } from "../../../lib/client/inspector/exchange_record.ts";
import { ExchangeStore } from "../../../lib/client/inspector/exchange_store.ts";
import { RecordingService } from "../../../lib/client/inspector/recording_service.ts";
import { Replays } from "../../../lib/client/inspector/replays.ts";
import type { Incoming, Service } from "../../../lib/client/services/service.ts";
import { LocalHTTP } from "../../../lib/client/services/local_http/local_http.ts";
import type { Field } from "../../../lib/http/fields.ts";
import type { RequestHead } from "../../../lib/http/head.ts";
import { FrameType } from "../../../lib/wire/frame.ts";
import { eventually } from "../../testing/eventually.ts";
import { FakeIncoming, requestHead } from "../../testing/fake_incoming.ts";
import { toText } from "../../testing/latin1.ts";
import { ScriptedOrigin } from "../../testing/scripted_origin.ts";

/** What a service was asked. */
interface Asked {
  readonly head: RequestHead;
  readonly body: string | null;
}

/** A service that reads what it is asked, and what was asked of it. */
class Recorder {
  readonly asked: Asked[] = [];
  readonly store = new ExchangeStore(64 * 1024 * 1024);
  readonly replays = new Replays(this.store);
  readonly service: RecordingService;

  constructor(service?: Service) {
    this.service = new RecordingService(
      service ?? { serve: (incoming, head) => this.#answer(incoming, head), close() {} },
      this.store,
    );
  }

  /** Serves a visitor's request, and returns its record. */
  async visit(fields: readonly Field[], body?: string): Promise<ExchangeRecord> {
    const incoming = new FakeIncoming(FrameType.HTTPRequest, { hasBody: body !== undefined });
    const served = this.service.serve(incoming, requestHead({ method: "POST", fields }));
    if (body !== undefined) {
      incoming.give(body);
      incoming.giveEnd();
    }
    await served;
    const record = this.store.list().at(-1);
    assert(record !== undefined);
    return record;
  }

  /** Replays, waits for the end, and returns what the service was asked last. */
  async again(record: ExchangeRecord, request: ReplayRequest = {}): Promise<Asked | undefined> {
    await this.replays.start(this.service, record, { wait: true, ...request });
    return this.asked.at(-1);
  }

  async #answer(incoming: Incoming, head: RequestHead): Promise<void> {
    let body: string | null = incoming.receiveEnded ? null : "";
    for (let chunk = await incoming.read(); chunk !== null; chunk = await incoming.read()) {
      body += toText(chunk.bytes);
    }
    this.asked.push({ head, body });
    incoming.respond({ status: 200, fields: [] }, true);
  }
}

const shown = (asked: Asked | undefined): unknown[] => [
  asked?.head.method,
  asked?.head.target,
  asked?.head.fields,
  asked?.body,
];

Deno.test("Replays send a request as it was: fields in order, and its body with its framing", async () => {
  const recorder = new Recorder();
  for (
    const [fields, body] of [
      [[["host", "a.example"], ["x", "1"], ["x", "2"]], undefined],
      [[["host", "a.example"], ["content-length", "4"]], "ping"],
      [[["host", "a.example"]], "in chunks"],
      [[["host", "a.example"], ["content-length", "0"]], undefined],
      [[["host", "a.example"], ["x", "\xe9"]], "\0\xff"],
    ] as const
  ) {
    const record = await recorder.visit(fields, body);
    const before = shown(recorder.asked.at(-1));
    assertEquals(shown(await recorder.again(record)), before);
    assertEquals(before, ["POST", "/", fields, body ?? null]);
  }
});

Deno.test("Replays send what was changed, with the length that belongs to it", async () => {
  const recorder = new Recorder();
  const host: Field = ["host", "a.example"];
  const record = await recorder.visit([host, ["content-length", "4"]], "ping");
  const bare = await recorder.visit([host]);
  const changed = async (request: ReplayRequest, from = record) =>
    shown(await recorder.again(from, request));
  assertEquals(await changed({ method: "PUT", target: "/b?c" }), ["PUT", "/b?c", [host, [
    "content-length",
    "4",
  ]], "ping"]);
  assertEquals(await changed({ body: { text: "grüße" } }), ["POST", "/", [host, [
    "content-length",
    "7",
  ]], "gr\xc3\xbc\xc3\x9fe"]);
  assertEquals(await changed({ body: { base64: "AAE=" } }, bare), ["POST", "/", [host, [
    "content-length",
    "2",
  ]], "\0\x01"]);
  assertEquals(await changed({ body: null }), ["POST", "/", [host], null]);
  assertEquals(await changed({ fields: [host, ["X-New", " 1 "], ["content-length", "999"]] }), [
    "POST",
    "/",
    [host, ["x-new", "1"], ["content-length", "4"]],
    "ping",
  ]);
});

Deno.test("Replays of one call come one after the other, each an exchange of its own", async () => {
  const answers: (() => void)[] = [];
  let under = 0;
  const recorder = new Recorder({
    async serve(incoming) {
      assertEquals(++under, 1);
      await new Promise<void>((resolve) => answers.push(resolve));
      under--;
      incoming.respond({ status: 200, fields: [] }, true);
    },
    close() {},
  });
  const visiting = recorder.visit([["host", "a.example"]]);
  answers.shift()?.();
  const record = await visiting;
  const ids = await recorder.replays.start(recorder.service, record, { times: 3 });
  for (let count = 1; count <= 3; count++) {
    await eventually(`replay ${count}`, () => answers.length === 1);
    const begun = recorder.store.list().filter(({ replayOf }) => replayOf === record.id);
    assertEquals(begun.map(({ id }) => id), ids.slice(0, count));
    answers.shift()?.();
  }
  await eventually("the last one", () => recorder.store.get(ids[2] ?? 0)?.state === "complete");
});

Deno.test("Replays refuse a body that was not kept whole unless one is given", async () => {
  const recorder = new Recorder();
  const { store, service, replays } = recorder;
  const long = await recorder.visit([["host", "a.example"]], "x".repeat(300_000));
  const cut = store.begin(requestHead(), "http");
  for (const record of [long, cut]) {
    await assertRejects(() => replays.start(service, record, {}), APIError);
  }
  assertEquals((await recorder.again(long, { body: { text: "short" } }))?.body, "short");
});

Deno.test("Replays end with the client, and are bounded", async () => {
  const left: unknown[] = [];
  const recorder = new Recorder({
    async serve(incoming) {
      if (incoming instanceof FakeIncoming) {
        return incoming.respond({ status: 204, fields: [] }, true);
      }
      incoming.respond({ status: 200, fields: [] }, false);
      await new Promise<void>((resolve) =>
        incoming.onAbort = (error) => {
          left.push(error.message);
          resolve();
        }
      );
    },
    close() {},
  });
  const { store, service, replays } = recorder;
  const record = store.begin(requestHead(), "http");
  record.sentOn = 0;
  for (let count = 0; count < 16; count++) await replays.start(service, record, {});
  await assertRejects(() => replays.start(service, record, {}), APIError, "under way");
  replays.close();
  await eventually("the end of all", () => store.list().slice(1).every(({ isOpen }) => !isOpen));
  assertEquals(left, Array(16).fill("the client stops"));
  assertEquals(store.list().at(-1)?.state, "left");
});

Deno.test("A replay is asked of the local service, and ends when it fails", async () => {
  await using origin = ScriptedOrigin.start();
  const service = new LocalHTTP({
    origin: { kind: "http", host: "127.0.0.1", port: origin.port },
    hostHeader: null,
  });
  const recorder = new Recorder(service);
  const visiting = recorder.visit([["host", "a.example"], ["content-length", "4"]], "ping");
  await (await origin.next()).answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  const record = await visiting;
  const again = recorder.again(record, { body: { text: "x".repeat(2_000_000) } });
  const exchange = await origin.next();
  assertEquals((await exchange.body.readAll()).length, 2_000_000);
  await exchange.answer("HTTP/1.1 500 Broken\r\nContent-Length: 100\r\n\r\nhalf");
  exchange.close();
  await again;
  const replayed = recorder.store.list().at(-1);
  assertEquals([replayed?.state, replayed?.status], ["failed", 500]);
  service.close();
});
