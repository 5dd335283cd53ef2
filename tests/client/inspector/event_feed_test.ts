import { assert, assertEquals, assertThrows } from "@std/assert";
import { APIError } from "../../../lib/client/inspector/api_error.ts";
import { EventFeed } from "../../../lib/client/inspector/event_feed.ts";
import type { ExchangeSummary, MessagePage } from "../../../lib/client/inspector/exchange.ts";
import type { ExchangeRecord } from "../../../lib/client/inspector/exchange_record.ts";
import { ExchangeStore } from "../../../lib/client/inspector/exchange_store.ts";
import { TunnelStatus } from "../../../lib/client/inspector/tunnel_status.ts";
import { requestHead } from "../../testing/fake_incoming.ts";
import { within } from "../../testing/within.ts";

const SERVER = "https://tunnel.example";

/** What stays of a server. */
const KNOWN = { server: SERVER, tunnel: "", service: "http://localhost:3000" };

/** A feed of a store, which ends with its scope. */
class Fed implements Disposable {
  readonly store = new ExchangeStore(64 * 1024 * 1024);
  readonly tunnel = new TunnelStatus("1.0.0");
  readonly watched = this.tunnel.add({
    name: "",
    serviceName: "http://localhost:3000",
    servers: [SERVER],
    events: { onOnline() {}, onOffline() {} },
  });
  readonly feed: EventFeed = new EventFeed(this.store, this.tunnel);

  constructor() {
    this.watched.show();
  }

  /** Adds an exchange that is over. */
  add(): ExchangeRecord {
    const record = this.store.begin(requestHead(), "http");
    this.store.finish(record, "complete", null);
    return record;
  }

  [Symbol.dispose](): void {
    this.feed.close();
  }
}

/** Reads the events of a stream, whose data is what the test says. */
class Reader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #events: { readonly name: string; readonly data: string }[] = [];

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** Returns the next event of a name, and drops those before it; null at the end. */
  async next<T>(name: string): Promise<T | null> {
    for (;;) {
      const event = this.#events.shift();
      if (event?.name === name) return JSON.parse(event.data);
      if (event !== undefined) continue;
      const { value, done } = await within(this.#reader.read(), `an event ${name}`);
      if (done) return null;
      // What is sent at once are whole events.
      for (const [, name = "", data = ""] of new TextDecoder().decode(value).matchAll(EVENT)) {
        this.#events.push({ name, data });
      }
    }
  }

  async leave(): Promise<void> {
    await this.#reader.cancel();
  }
}

const EVENT = /event: ([a-z]+)\ndata: (.*)\n\n/g;

Deno.test("EventFeed tells the tunnel's state first, and whenever it changes", async () => {
  using fed = new Fed();
  const reader = new Reader(fed.feed.open(null));
  const first = await reader.next<TunnelStatus["state"]>("tunnel");
  assertEquals(first?.servers, [{ ...KNOWN, state: "connecting", url: null, reason: null }]);
  fed.watched.events.onOnline(SERVER, "https://app.tunnel.example");
  const second = await reader.next<TunnelStatus["state"]>("tunnel");
  assertEquals(second?.servers[0]?.url, "https://app.tunnel.example");
  fed.watched.events.onOffline(SERVER, "the network changed", 1000);
  const third = await reader.next<TunnelStatus["state"]>("tunnel");
  assertEquals([third?.servers[0]?.state, third?.instance === first?.instance], ["offline", true]);
});

Deno.test("EventFeed tells the latest state of what is new or changed, and what is gone", async () => {
  using fed = new Fed();
  const reader = new Reader(fed.feed.open(null));
  await reader.next("tunnel");
  const record = fed.add();
  for (let count = 0; count < 5000; count++) fed.store.changed(record);
  const told = await reader.next<ExchangeSummary[]>("exchanges");
  assertEquals(told?.map(({ id, state }) => [id, state]), [[1, "complete"]]);
  fed.store.clear();
  assertEquals(await reader.next("removed"), { ids: [1] });
});

Deno.test("EventFeed holds nothing up for a reader that does not read, and cuts it off in the end", async () => {
  using fed = new Fed();
  const reader = new Reader(fed.feed.open(null));
  await reader.next("tunnel");
  for (let count = 0; count < 9000; count++) fed.add();
  const ids: number[] = [];
  while (ids.length < 1000) {
    const told = await reader.next<ExchangeSummary[]>("exchanges");
    ids.push(...told?.map(({ id }) => id) ?? []);
  }
  assertEquals(ids, Array.from({ length: 1000 }, (_, i) => 8001 + i));
  for (let count = 0; count < 20_000; count++) fed.add();
  assertEquals(await reader.next("never"), null);
});

Deno.test("EventFeed forgets a reader that it has cut off, though it never reads on", async () => {
  using fed = new Fed();
  const stalled = Array.from({ length: 16 }, () => new Reader(fed.feed.open(null)));
  for (const reader of stalled) await reader.next("tunnel");
  assertThrows(() => fed.feed.open(null), APIError, "the most");
  for (let count = 0; count < 12_000; count++) fed.add();
  const late = new Reader(fed.feed.open(null));
  await late.next("tunnel");
  for (const reader of stalled) assertEquals(await reader.next("never"), null);
  await late.leave();
});

Deno.test("EventFeed tells the messages of one exchange, from the first that is kept", async () => {
  using fed = new Fed();
  const record = fed.store.begin(requestHead(), "websocket");
  const add = (octets: string) => {
    record.messages?.add({
      ...{ at: 0, from: "visitor", kind: "text", size: octets.length, isWhole: true },
      ...{ octets, code: 0, event: "", eventId: "" },
    });
    fed.store.changed(record);
  };
  for (let count = 0; count < 300; count++) add(`${count}`);
  const reader = new Reader(fed.feed.open(record));
  const texts: string[] = [];
  const take = async (count: number) => {
    while (texts.length < count) {
      const page = await reader.next<MessagePage & { exchange: number }>("messages");
      assertEquals(page?.exchange, record.id);
      for (const message of page?.messages ?? []) {
        if (message.kind === "text") texts.push(message.text);
      }
    }
  };
  await take(300);
  add("late");
  await take(301);
  assertEquals([texts[0], texts[299], texts[300]], ["0", "299", "late"]);
});

Deno.test("EventFeed bounds its readers, and forgets those that leave", async () => {
  using fed = new Fed();
  const readers = Array.from({ length: 16 }, () => new Reader(fed.feed.open(null)));
  assertThrows(() => fed.feed.open(null), APIError, "the most");
  for (const reader of readers) await reader.next("tunnel");
  // One waits for news as it leaves, and one does not.
  const waiting = readers[0]?.next("exchanges");
  await readers[0]?.leave();
  assertEquals(await waiting, null);
  await readers[1]?.leave();
  const [again, another] = [fed.feed.open(null), fed.feed.open(null)];
  assert(again !== another);
  fed.feed.close();
  assertEquals(await readers[2]?.next("never"), null);
});
