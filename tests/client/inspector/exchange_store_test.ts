import { assert, assertEquals } from "@std/assert";
import { ExchangeStore } from "../../../lib/client/inspector/exchange_store.ts";
import type { ExchangeKind } from "../../../lib/client/inspector/exchange.ts";
import { KeptBody } from "../../../lib/client/inspector/kept_body.ts";
import { requestHead } from "../../testing/fake_incoming.ts";
import { SeededRandom } from "../../testing/seeded_random.ts";

const MIB = 1024 * 1024;

/** Begins an exchange, with so many bytes of body, that is over unless it is to stay. */
function add(
  store: ExchangeStore,
  { kind = "http", bytes = 0, isOpen = false }: {
    readonly kind?: ExchangeKind;
    readonly bytes?: number;
    readonly isOpen?: boolean;
  } = {},
) {
  const record = store.begin(requestHead(), kind);
  record.responseBody = new KeptBody();
  store.grow(record, record.responseBody.add(new Uint8Array(bytes)));
  if (!isOpen) store.finish(record, "complete", null);
  return record;
}

const ids = (store: ExchangeStore) => store.list().map(({ id }) => id);

Deno.test("ExchangeStore keeps a thousand exchanges, and the oldest go first", () => {
  const store = new ExchangeStore(64 * MIB);
  for (let count = 0; count < 2500; count++) add(store);
  assertEquals(ids(store), Array.from({ length: 1000 }, (_, i) => 1501 + i));
  assertEquals([store.get(1500), store.get(1501)?.id], [undefined, 1501]);
});

Deno.test("ExchangeStore keeps within its memory, and lets go of what is gone", () => {
  const store = new ExchangeStore(4 * MIB);
  const first = add(store, { bytes: 200_000, isOpen: true });
  for (let count = 0; count < 100; count++) {
    add(store, { bytes: 200_000 });
    assert(store.memory <= 4 * MIB);
  }
  assertEquals(store.list().length, 20);
  assertEquals([first.isKept, first.responseBody?.kept, first.requestFields.length], [false, 0, 0]);
  first.responseBody?.add(new Uint8Array(10));
  assertEquals(first.responseBody?.kept, 0);
});

Deno.test("ExchangeStore lets WebSockets and streams of events go last while they are open", () => {
  const store = new ExchangeStore(64 * MIB);
  const webSocket = add(store, { kind: "websocket", isOpen: true });
  const events = add(store, { kind: "events", isOpen: true });
  const slow = add(store, { isOpen: true });
  for (let count = 0; count < 1500; count++) add(store);
  assertEquals([webSocket, events, slow].map(({ id }) => store.get(id)?.id), [1, 2, undefined]);
  assertEquals(webSocket.requestFields, [["host", "app.example"]]);
  // From its end on it is as old as that.
  store.finish(webSocket, "complete", null);
  for (let count = 0; count < 900; count++) add(store);
  assertEquals(store.get(webSocket.id)?.id, 1);
  for (let count = 0; count < 100; count++) add(store);
  assertEquals([store.get(webSocket.id), store.get(events.id)?.id], [undefined, 2]);
});

Deno.test("ExchangeStore has room for what comes when all are open", () => {
  const store = new ExchangeStore(64 * MIB);
  for (let count = 0; count < 1500; count++) add(store, { kind: "websocket", isOpen: true });
  assertEquals(ids(store).length, 1000);
  assertEquals(store.get(1500)?.id, 1500);
});

Deno.test("ExchangeStore counts the memory of what it has, whatever comes and goes", () => {
  const random = new SeededRandom();
  const store = new ExchangeStore(8 * MIB);
  const open: ReturnType<typeof add>[] = [];
  for (let round = 0; round < 3000; round++) {
    const kind = random.pick<ExchangeKind>(["http", "websocket", "events"]);
    const record = add(store, { kind, bytes: random.integer(0, 30_000), isOpen: random.oneIn(3) });
    if (record.isOpen) open.push(record);
    if (random.oneIn(4)) {
      const [ended] = open.splice(random.integer(0, open.length - 1), 1);
      if (ended !== undefined) store.finish(ended, "left", "gone");
    }
    if (random.oneIn(700)) store.clear();
  }
  const sum = store.list().map(({ memory }) => memory).reduce((a, b) => a + b, 0);
  assertEquals(store.memory, sum);
  assertEquals(ids(store), ids(store).toSorted((a, b) => a - b));
  store.clear();
  assertEquals([store.memory, ids(store)], [0, []]);
});
