import { assert, assertEquals } from "@std/assert";
import { Log } from "../../../lib/cli/log.ts";
import { BusConnections } from "../../../lib/server/cluster/bus_connections.ts";
import { BusMemory, MemoryBus } from "../../../lib/server/bus/memory_bus.ts";
import { NodeDoor } from "../../../lib/server/cluster/node_handshake.ts";
import { NodeLink } from "../../../lib/server/cluster/node_link.ts";
import { NodeLinks } from "../../../lib/server/cluster/node_links.ts";
import { withOpening } from "../../../lib/server/cluster/node_opening.ts";
import { NodeRelay } from "../../../lib/server/cluster/node_relay.ts";
import { Disconnects } from "../../../lib/server/listen/disconnects.ts";
import { type ServeSocket, ServeVisit } from "../../../lib/server/listen/serve_visit.ts";
import { FrameType } from "../../../lib/wire/frame.ts";
import { GET } from "../../testing/heads.ts";
import { Heartbeat } from "../../../lib/mux/heartbeat.ts";
import { eventually } from "../../testing/eventually.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { FlakyBus } from "../../testing/flaky_bus.ts";
import { freePort } from "../../testing/free_port.ts";
import { answerWith, SILENT } from "../../testing/listening.ts";
import { upstreamOf } from "../../testing/client_upstreams.ts";
import { SessionAndPeer } from "../../testing/session_fixture.ts";
import { settled } from "../../testing/turn.ts";
import { roomyRegistry } from "../../testing/roomy_registry.ts";

const HEAD_TIMEOUT = 30_000;

const HOST = "a.test";

const OPENING = withOpening(
  { hostname: HOST, address: "127.0.0.1" },
  GET,
);

Deno.test("NodeLinks.get opens one link for many who ask at once, and gives it at once after that", async () => {
  await using scene = await Scene.open();
  const links = await Promise.all(Array.from({ length: 50 }, () => scene.links.get("far")));
  assertEquals(new Set(links).size, 1);
  const [link] = links;
  assert(link instanceof NodeLink);
  assertEquals(scene.links.get("far"), link);
  assertEquals([scene.links.nodes, scene.links.count(false), scene.relay.size], [1, 1, 1]);
});

Deno.test("NodeLinks.get opens another link before one is full, and gives the emptier one", async () => {
  await using scene = await Scene.open();
  const first = await scene.links.get("far");
  assert(first !== null);
  for (let i = 0; i < 500; i++) scene.stream(first);
  assertEquals(scene.links.get("far"), first);
  await eventually("a second link", () => scene.links.count(false) === 2);
  const second = scene.links.get("far");
  assert(second instanceof NodeLink && second !== first);
});

Deno.test("NodeLinks.get tries a node that cannot be reached once in a while, not for each request", async () => {
  await using scene = await Scene.open();
  await scene.bus.keepNode({ id: "dead", url: null }, 60_000);
  const before = scene.bus.sent;
  assertEquals(await Promise.all([scene.links.get("dead"), scene.links.get("dead")]), [null, null]);
  for (let i = 0; i < 100; i++) assertEquals(scene.links.get("dead"), null);
  assertEquals(scene.bus.sent - before, 1);
  assertEquals(await scene.links.get("nobody"), null);
});

Deno.test("NodeLinks.get asks nothing of a node that stops", async () => {
  await using scene = await Scene.open();
  const link = await scene.links.get("far");
  assert(link !== null);
  const open = scene.stream(link);
  await scene.relay.leave();
  assertEquals(scene.links.get("far"), null);
  assertEquals(link.session.load, 1);
  open.reset(0);
  await scene.relay.drain();
});

Deno.test("NodeLinks.get opens a link anew after one that was cut", async () => {
  await using scene = await Scene.open();
  const link = await scene.links.get("far");
  assert(link !== null);
  link.session.close(0, "cut");
  const next = await scene.links.get("far");
  assert(next !== null && next !== link);
});

Deno.test("NodeLinks.get knows a bounded number of nodes, and forgets those it has no link to", async () => {
  await using scene = await Scene.open();
  for (let i = 0; i < 1_000; i++) void scene.links.get(`node${i}`);
  await eventually("all to be tried", async () => await scene.links.get("far") !== null);
  assertEquals(scene.links.nodes, 1);
});

Deno.test("NodeLinks.get goes over to a direct link once there is a way", async () => {
  using clock = new FakeClock();
  await using scene = await Scene.open();
  const port = await scene.announceDirect(600_000);
  const overBus = await scene.links.get("far");
  assert(overBus !== null && !overBus.isDirect);
  await using _entrance = new Entrance(scene, port);
  // Half a minute, in steps in which the sessions hear from each other.
  for (let i = 0; i < 31; i++) {
    clock.advance(1_000);
    await settled();
  }
  assertEquals(scene.links.get("far"), overBus, "it is used until there is a better one");
  while (scene.links.count(true) === 0 || scene.links.count(false) > 0) await settled();
  const direct = scene.links.get("far");
  assert(direct instanceof NodeLink && direct.isDirect);
  direct.close();
  while (scene.relay.size > 0) await settled();
});

Deno.test("NodeLinks.get goes over to another link when the other node's socket is replaced, and the old one ends with its last stream", async () => {
  await using scene = await Scene.open();
  await using entrance = new Entrance(scene, await scene.announceDirect());
  const old = await scene.links.get("far");
  assert(old !== null && old.isDirect);
  const open = scene.stream(old);
  entrance.replace();
  const moved = scene.relay.move(60_000);
  assertEquals(scene.links.get("far"), old, "it is used until there is another");
  await eventually("another link", () => scene.links.get("far") !== old);
  const next = scene.links.get("far");
  assert(next instanceof NodeLink && next.isDirect);
  assertEquals([old.session.load, old.session.usable, scene.links.count(true)], [1, false, 2]);
  open.reset(0);
  await moved;
  await eventually("the old link to end", () => scene.links.count(true) === 1);
  assertEquals([scene.links.get("far"), scene.relay.size], [next, 1]);
  next.close();
  await eventually("the other side to know", () => scene.relay.size === 0);
});

Deno.test("NodeLinks.get dials again when it comes to a socket that was replaced, and goes over the bus when all dials do", async () => {
  await using scene = await Scene.open();
  await using entrance = new Entrance(scene, await scene.announceDirect());
  entrance.strays = 3;
  const direct = await scene.links.get("far");
  assert(direct !== null && direct.isDirect);
  assertEquals(entrance.dials, 4);
  direct.close();
  await eventually("the other side to know", () => scene.relay.size === 0);
  entrance.strays = Infinity;
  const overBus = await scene.links.get("far");
  assert(overBus !== null && !overBus.isDirect);
  assertEquals(entrance.dials, 24);
});

Deno.test("NodeLinks.get gives no link to a replaced socket once the other node's patience is over, and dials anew when it can", async () => {
  await using scene = await Scene.open();
  await using entrance = new Entrance(scene, await scene.announceDirect());
  const old = await scene.links.get("far");
  assert(old !== null);
  const open = scene.stream(old);
  scene.bus.set(false);
  entrance.replace();
  const moved = scene.relay.move(100);
  assertEquals(scene.links.get("far"), old);
  await eventually("the old link to take no more", () => scene.links.get("far") === null);
  assertEquals(old.session.load, 1);
  open.reset(0);
  await moved;
  scene.bus.set(true);
  const next = await scene.links.get("far");
  assert(next !== null && next.isDirect);
  next.close();
  await eventually("the other side to know", () => scene.relay.size === 0);
});

Deno.test("NodeRelay.move leaves links over the bus alone", async () => {
  await using scene = await Scene.open();
  const link = await scene.links.get("far");
  assert(link !== null);
  await scene.relay.move(60_000);
  assertEquals([scene.links.get("far"), link.isMoving], [link, false]);
});

Deno.test("NodeRelay.accept sends a link away at once whose socket was replaced during its handshake", async () => {
  await using scene = await Scene.open();
  await using entrance = new Entrance(scene, await scene.announceDirect());
  entrance.isReplacedMeanwhile = true;
  const first = await scene.links.get("far");
  assert(first !== null);
  await eventually("another link", () => scene.links.get("far") !== first);
  await scene.relay.move(60_000);
  await eventually("one link", () => scene.links.count(true) === 1 && scene.relay.size === 1);
  await scene.links.close();
  await eventually("the other side to know", () => scene.relay.size === 0);
});

Deno.test("NodeLinks.get opens nothing without the bus, and goes on giving what is open", async () => {
  await using scene = await Scene.open();
  const link = await scene.links.get("far");
  scene.bus.set(false);
  assertEquals([scene.links.get("far"), scene.links.get("another")], [link, null]);
});

/** A node that opens links over a bus to another one, which has a tunnel whose client answers nothing. */
class Scene implements AsyncDisposable {
  private constructor(
    readonly links: NodeLinks,
    readonly relay: NodeRelay,
    readonly bus: FlakyBus,
    readonly owned: AsyncDisposableStack,
  ) {}

  static async open(): Promise<Scene> {
    await using owned = new AsyncDisposableStack();
    const memory = new BusMemory();
    const [bus, farBus] = [new FlakyBus(new MemoryBus(memory)), new MemoryBus(memory)];
    const log = new Log({ format: "text", level: "error" });
    const heartbeat = new Heartbeat();
    const common = { heartbeat, headTimeout: HEAD_TIMEOUT, log };
    const registry = roomyRegistry();
    const client = owned.use(new SessionAndPeer("server"));
    registry.add(upstreamOf(client.session, { hostname: HOST }));
    const relay = new NodeRelay({
      ...common,
      registry,
      notices: { count() {}, countAll() {} },
      onStream() {},
    });
    const connections = new BusConnections({ bus, node: "near", accept: () => false });
    const others = new BusConnections({
      bus: farBus,
      node: "far",
      accept: (transport, from) => relay.accept(transport, from, null),
    });
    await Promise.all([connections.listen(), others.listen()]);
    await farBus.keepNode({ id: "far", url: null }, 60_000);
    const links = new NodeLinks({ ...common, bus, node: "near", connections });
    owned.defer(() => others.lose("the test is over"));
    owned.defer(() => connections.lose("the test is over"));
    owned.defer(() => relay.close());
    owned.defer(() => links.close());
    return new Scene(links, relay, bus, owned.move());
  }

  /** Has the other node say where it can be reached directly; returns the port, on which nobody listens yet. */
  async announceDirect(lease = 60_000): Promise<number> {
    const port = freePort();
    await this.bus.keepNode({ id: "far", url: `http://127.0.0.1:${port}` }, lease);
    return port;
  }

  /** Opens a stream that nobody answers. */
  stream(link: NodeLink): { reset(code: number): void } {
    const { stream, response } = link.session.open(FrameType.HTTPRequest, OPENING, false);
    response.catch(() => {});
    return stream;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.owned.disposeAsync();
    await this.bus.close();
  }
}

/** The port at which the other node takes direct links, by a socket that can be replaced. */
class Entrance implements AsyncDisposable {
  dials = 0;
  /** Dials that still reach a socket which was replaced. */
  strays = 0;
  /** Whether the socket of the next link is replaced before the link is open. */
  isReplacedMeanwhile = false;
  #socket = newSocket();
  readonly #server: Deno.HttpServer;

  constructor({ bus, relay }: Scene, port: number) {
    const door = new NodeDoor({ bus, node: "far", url: `http://127.0.0.1:${port}` });
    const serve = { hostname: "127.0.0.1", port, onListen() {} };
    this.#server = Deno.serve(serve, async (request, { remoteAddr }) => {
      const host = { observers: [], disconnects: new Disconnects(), log: SILENT };
      const visit = new ServeVisit(host, request, remoteAddr, this.#arrive());
      const answer = await door.accept(visit, (transport, from) => {
        if (this.isReplacedMeanwhile) this.replace();
        this.isReplacedMeanwhile = false;
        relay.accept(transport, from, visit.listeningSocket);
      });
      return visit.respond(answer ?? answerWith("", 404));
    });
  }

  /** Lets another socket take the place of the one that there is. */
  replace(): void {
    this.#socket.isRetired = true;
    this.#socket = newSocket();
  }

  #arrive(): ServeSocket {
    this.dials++;
    if (this.strays === 0) return this.#socket;
    this.strays--;
    return { ...newSocket(), isRetired: true };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function newSocket() {
  return { scheme: "http" as const, isRetired: false, isLeaving: false };
}
