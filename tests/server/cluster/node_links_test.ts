import { assert, assertEquals } from "@std/assert";
import { Log } from "../../../lib/log.ts";
import { BusConnections } from "../../../lib/server/cluster/bus_connections.ts";
import { BusMemory, MemoryBus } from "../../../lib/server/bus/memory_bus.ts";
import { NodeDoor } from "../../../lib/server/cluster/node_dial.ts";
import { NodeLink } from "../../../lib/server/cluster/node_link.ts";
import { NodeLinks } from "../../../lib/server/cluster/node_links.ts";
import { withOpening } from "../../../lib/server/cluster/node_opening.ts";
import { NodeRelay } from "../../../lib/server/cluster/node_relay.ts";
import { Registry } from "../../../lib/server/registry.ts";
import { FrameType } from "../../../lib/tunnel/frame.ts";
import { encodeRequestHead } from "../../../lib/tunnel/head.ts";
import { Heartbeat } from "../../../lib/tunnel/heartbeat.ts";
import { eventually } from "../../testing/eventually.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { FlakyBus } from "../../testing/flaky_bus.ts";
import { freePorts } from "../../testing/front_proxy.ts";
import { memberOf } from "../../testing/members.ts";
import { SessionAndPeer } from "../../testing/session_fixture.ts";
import { settled } from "../../testing/turn.ts";

const HEAD_TIMEOUT = 30_000;

const HOST = "a.test";

const OPENING = withOpening(
  { hostname: HOST, address: "127.0.0.1" },
  encodeRequestHead({ method: "GET", target: "/", fields: [] }),
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
  const { server: port } = freePorts();
  const url = `http://127.0.0.1:${port}`;
  await scene.bus.keepNode({ id: "far", url }, 600_000);
  const overBus = await scene.links.get("far");
  assert(overBus !== null && !overBus.isDirect);
  const door = new NodeDoor({ bus: scene.bus, node: "far", url });
  const serve = { hostname: "127.0.0.1", port, onListen() {} };
  await using _server = Deno.serve(serve, async (request) => {
    const response = await door.accept(request, (transport, from) => {
      scene.relay.accept(transport, from);
    });
    return response ?? new Response(null, { status: 404 });
  });
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
    readonly owned: DisposableStack,
  ) {}

  static async open(): Promise<Scene> {
    using owned = new DisposableStack();
    const memory = new BusMemory();
    const [bus, farBus] = [new FlakyBus(new MemoryBus(memory)), new MemoryBus(memory)];
    const log = new Log({ format: "text", level: "error" });
    const heartbeat = new Heartbeat();
    const common = { heartbeat, headTimeout: HEAD_TIMEOUT, log };
    const registry = new Registry({ fixed: false });
    const client = owned.use(new SessionAndPeer("server"));
    registry.add(memberOf(client.session, { hostname: HOST }));
    const relay = new NodeRelay({ ...common, registry, onStream() {} });
    const connections = new BusConnections({ bus, node: "near", accept: () => false });
    const others = new BusConnections({
      bus: farBus,
      node: "far",
      accept: (transport, from) => relay.accept(transport, from),
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

  /** Opens a stream that nobody answers. */
  stream(link: NodeLink): { reset(code: number): void } {
    const { stream, response } = link.session.open(FrameType.HTTPRequest, OPENING, false);
    response.catch(() => {});
    return stream;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.owned.dispose();
    await this.bus.close();
  }
}
