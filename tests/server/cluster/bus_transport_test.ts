import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { BusConnections } from "../../../lib/server/cluster/bus_connections.ts";
import {
  type BusMessage,
  BusMessageKind,
  decodeBusMessage,
  encodeBusMessage,
} from "../../../lib/server/cluster/bus_message.ts";
import { BusTransport, type BusWire } from "../../../lib/server/cluster/bus_transport.ts";
import { BusMemory, MemoryBus } from "../../../lib/server/bus/memory_bus.ts";
import { MAX_TRANSPORT_MESSAGE, SOCKET_HIGH_WATER } from "../../../lib/wire/limits.ts";
import { eventually } from "../../testing/eventually.ts";
import { FlakyBus } from "../../testing/flaky_bus.ts";
import { TransportEnd } from "../../testing/transport_end.ts";
import { settled } from "../../testing/turn.ts";

Deno.test("BusTransport carries messages of any length both ways, in order", async () => {
  await using pair = await Pair.open();
  const lengths = [1, 1000, 256 * 1024, 256 * 1024 + 1, MAX_TRANSPORT_MESSAGE];
  for (const length of lengths) pair.near.transport.send(new Uint8Array(length).fill(length % 251));
  pair.far.transport.send(new Uint8Array([7]));
  await eventually("all to arrive", () => pair.far.messages.length === lengths.length);
  assertEquals(pair.far.messages.map(({ length }) => length), lengths);
  assert(
    pair.far.messages.every((bytes, i) => bytes.every((byte) => byte === (lengths[i] ?? 0) % 251)),
  );
  await eventually("the other way", () => pair.near.messages.length === 1);
  assertEquals(pair.near.sent, lengths.reduce((sum, length) => sum + length));
});

Deno.test("BusTransport counts as unsent what the other side has not consumed, and tells when there is room", async () => {
  await using pair = await Pair.open();
  const { transport } = pair.near;
  for (let i = 0; i < 4; i++) transport.send(new Uint8Array(SOCKET_HIGH_WATER / 4));
  assertEquals(transport.buffered, SOCKET_HIGH_WATER);
  assertFalse(transport.writable);
  transport.notifyDrain();
  assertEquals(pair.near.drains, 0);
  await eventually("room", () => pair.near.drains === 1);
  assert(transport.writable);
  await eventually("all to be consumed", () => transport.buffered === 0);
  transport.send(new Uint8Array(10));
  // Too little to be told of at once, and nothing goes the other way.
  await eventually("the little rest too", () => transport.buffered === 0);
});

Deno.test("BusTransport ends on both sides when the bus has lost a message", async () => {
  await using pair = await Pair.open();
  pair.bus.toLose = 1;
  pair.near.transport.send(new Uint8Array(1));
  pair.near.transport.send(new Uint8Array(2));
  await eventually("both ends", () => pair.near.closes.length + pair.far.closes.length === 2);
  assertEquals([pair.near.closes, pair.far.closes], [
    ["the bus has lost messages"],
    ["the bus has lost messages"],
  ]);
  assertEquals(pair.far.messages, []);
});

Deno.test("BusTransport ends when nobody receives for the other node any more", async () => {
  await using pair = await Pair.open();
  await pair.farBus.close();
  pair.near.transport.send(new Uint8Array(1));
  await eventually("the end", () => pair.near.closes.length === 1);
  assertEquals(pair.near.closes, ["the other node is no longer on the bus"]);
});

Deno.test("BusTransport ends with the bus, and tells what was wrong", async () => {
  await using pair = await Pair.open();
  pair.bus.set(false);
  pair.near.transport.send(new Uint8Array(1));
  await eventually("the end", () => pair.near.closes.length === 1);
  assertEquals(pair.near.closes, [
    "a message could not be sent: the bus is away: the test says so",
  ]);
});

Deno.test("BusTransport.close tells both sides the reason, once", async () => {
  await using pair = await Pair.open();
  pair.near.transport.close("enough");
  pair.near.transport.close("again");
  await eventually("the other end", () => pair.far.closes.length === 1);
  assertEquals([pair.near.closes, pair.far.closes], [["enough"], ["enough"]]);
});

Deno.test("BusTransport goes on after the last number of a message and of a byte", () => {
  using near = new LoneEnd(MODULUS - 2);
  for (const sequence of [MODULUS - 2, MODULUS - 1, 0, 1]) {
    near.transport.send(new Uint8Array(1));
    assertEquals(near.last?.sequence, sequence);
    near.receive({ sequence });
  }
  // Four gibibytes each way are counted before the number of bytes begins anew.
  const piece = new Uint8Array(256 * 1024);
  let sequence = 2;
  let consumed = 4;
  for (let i = 0; i < 4 * 4096 + 3; i++) {
    near.transport.send(piece);
    consumed = (consumed + piece.length) % MODULUS;
    near.receive({ sequence: sequence++, consumed, payload: piece });
    assertEquals(near.transport.buffered, 0);
  }
  assertEquals([near.end.closes, consumed], [[], 4 + 3 * piece.length]);
  assertEquals(near.last?.consumed, consumed);
});

Deno.test("BusTransport ends when the other side says that it consumed more than it was sent, and not before", () => {
  for (
    const [consumed, closes] of [
      [0, []],
      [9, []],
      [10, []],
      [11, ["more was consumed than was sent"]],
      [MODULUS - 1, ["more was consumed than was sent"]],
    ] as const
  ) {
    using near = new LoneEnd();
    near.transport.send(new Uint8Array(10));
    near.receive({ kind: BusMessageKind.Consumed, consumed, payload: new Uint8Array(0) });
    assertEquals([near.end.closes, near.transport.buffered], [
      closes,
      closes[0] ? 0 : 10 - consumed,
    ]);
  }
  using near = new LoneEnd();
  near.transport.send(new Uint8Array(10));
  near.receive({ consumed: 5 });
  near.receive({ sequence: 1, consumed: 4 });
  assertEquals(near.end.closes, ["more was consumed than was sent"], "it takes nothing back");
});

Deno.test("BusTransport ends at a number out of turn, and hears nothing more", () => {
  for (const sequence of [0, 2, MODULUS - 1]) {
    using near = new LoneEnd();
    near.receive({ sequence: 0 });
    near.receive({ sequence });
    near.receive({ sequence: 1 });
    assertEquals([near.end.messages.length, near.end.closes], [1, ["the bus has lost messages"]]);
    assertEquals(near.last?.kind, BusMessageKind.Close);
  }
});

Deno.test("BusTransport joins parts up to the longest message, and ends at one byte more", () => {
  for (const more of [0, 1]) {
    using near = new LoneEnd();
    const half = new Uint8Array(MAX_TRANSPORT_MESSAGE / 2);
    near.receive({ kind: BusMessageKind.Part, payload: half });
    near.receive({ sequence: 1, kind: BusMessageKind.Part, payload: half.subarray(1) });
    near.receive({ sequence: 2, payload: half.subarray(0, 1 + more) });
    const lengths = near.end.messages.map(({ length }) => length);
    assertEquals([lengths, near.end.closes], [
      more === 0 ? [MAX_TRANSPORT_MESSAGE] : [],
      more === 0 ? [] : ["a message is too long"],
    ]);
  }
});

Deno.test("BusTransport keeps 64 parts of a message at most, however short they are", () => {
  for (const length of [0, 1]) {
    for (const parts of [63, 64]) {
      using near = new LoneEnd();
      const payload = new Uint8Array(length);
      for (let sequence = 0; sequence < parts; sequence++) {
        near.receive({ sequence, kind: BusMessageKind.Part, payload });
      }
      near.receive({ sequence: parts, payload });
      assertEquals(near.end.closes, parts === 63 ? [] : ["a message is too long"]);
    }
  }
});

Deno.test("BusConnections refuses a connection that nobody wants", async () => {
  await using pair = await Pair.open();
  pair.isOpen = false;
  const refused = pair.connections.open("far");
  await assertRejects(() => refused.granted, Error, "takes no more connections");
});

Deno.test("BusConnections passes over what no node sends", async () => {
  await using pair = await Pair.open();
  const before = pair.accepted;
  const open = {
    kind: BusMessageKind.Open,
    connection: "0".repeat(32),
    sequence: 0,
    consumed: 0,
    payload: new TextEncoder().encode("no/such node"),
  };
  await pair.bus.send("far", encodeBusMessage(open));
  await pair.bus.send("far", encodeBusMessage({ ...open, kind: BusMessageKind.Data }));
  await pair.bus.send(
    "far",
    encodeBusMessage({ ...open, payload: new TextEncoder().encode("far") }),
  );
  for (const bytes of [[], [1], [9, ...new Array<number>(30).fill(0)]]) {
    await pair.bus.send("far", new Uint8Array(bytes));
  }
  await settled();
  assertEquals([pair.accepted, pair.far.closes], [before, []]);
});

Deno.test("encodeBusMessage and decodeBusMessage are each other's inverse", () => {
  const message = {
    kind: BusMessageKind.Part,
    connection: "00ff".repeat(8),
    sequence: 0xffff_ffff,
    consumed: 0x8000_0001,
    payload: new Uint8Array([1, 2, 3]),
  };
  assertEquals(decodeBusMessage(encodeBusMessage(message)), message);
  assertEquals(decodeBusMessage(encodeBusMessage(message).subarray(0, 24)), undefined);
});

const MODULUS = 0x1_0000_0000;

/** One end of a connection over the bus; the test is the other, and may send what no node would. */
class LoneEnd implements Disposable {
  /** What was sent last. */
  last: BusMessage | null = null;
  readonly transport: BusTransport;
  readonly end: TransportEnd;

  constructor(first = 0) {
    const wire: BusWire = {
      post: (message) => {
        this.last = message;
        return Promise.resolve(true);
      },
      isClogged: false,
      forget() {},
    };
    this.transport = new BusTransport(CONNECTION, wire, first);
    this.end = new TransportEnd(this.transport);
  }

  /** Lets a message come, which is the first and whole where nothing else is said. */
  receive(message: Partial<BusMessage>): void {
    this.transport.receive({
      kind: BusMessageKind.Data,
      connection: CONNECTION,
      sequence: 0,
      consumed: 0,
      payload: new Uint8Array(1),
      ...message,
    });
  }

  [Symbol.dispose](): void {
    this.transport.lost("the test is over");
  }
}

const CONNECTION = "00".repeat(16);

/** Two nodes with a connection over a bus between them. */
class Pair implements AsyncDisposable {
  isOpen = true;
  accepted = 0;

  private constructor(
    readonly near: TransportEnd,
    readonly far: TransportEnd,
    readonly connections: BusConnections,
    readonly bus: FlakyBus,
    readonly farBus: MemoryBus,
    readonly others: BusConnections,
  ) {}

  static async open(): Promise<Pair> {
    const memory = new BusMemory();
    const bus = new FlakyBus(new MemoryBus(memory));
    const farBus = new MemoryBus(memory);
    const accepted = Promise.withResolvers<TransportEnd>();
    let pair: Pair | null = null;
    const accept = (transport: BusTransport): boolean => {
      if (pair !== null) {
        if (pair.isOpen) pair.accepted++;
        return pair.isOpen;
      }
      accepted.resolve(new TransportEnd(transport));
      return true;
    };
    const connections = new BusConnections({ bus, node: "near", accept: () => false });
    const others = new BusConnections({ bus: farBus, node: "far", accept });
    await Promise.all([connections.listen(), others.listen()]);
    const transport = connections.open("far");
    const near = new TransportEnd(transport);
    await transport.granted;
    pair = new Pair(near, await accepted.promise, connections, bus, farBus, others);
    return pair;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.connections.lose("the test is over");
    this.others.lose("the test is over");
    await this.bus.close();
    await this.farBus.close();
  }
}
