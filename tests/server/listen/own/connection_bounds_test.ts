import { assertEquals } from "@std/assert";
import {
  type ConnectionBounds,
  type ConnectionEnd,
  USUAL_BOUNDS,
} from "../../../../lib/server/listen/connection_bounds.ts";
import { eventually } from "../../../testing/eventually.ts";
import { answerWith } from "../../../testing/listening.ts";
import { RawHTTP } from "../../../testing/raw_http.ts";
import { within } from "../../../testing/within.ts";
import { CountedSource, Scene } from "../scene.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/** Milliseconds that are waited for what never comes, and for what must come in the same test. */
const SHORT = 200;
const LONG = 60_000;

Deno.test("OwnListener ends a connection whose head does not come in time, and tells one that has begun", async () => {
  await using scene = new Bounded({ headTimeout: SHORT });
  using silent = await RawHTTP.open(scene.port);
  using slow = await RawHTTP.open(scene.port);
  await slow.send("GET / HTTP/1.1\r\nX: ");
  assertEquals(await silent.readToEnd(), "");
  const { status } = await slow.receiveAll();
  assertEquals([status, await slow.readNext(), scene.ends], [408, null, ["head", "head"]]);
});

Deno.test("OwnListener ends a head that is dripped as one that stands still", async () => {
  await using scene = new Bounded({ headTimeout: SHORT });
  using dripping = await RawHTTP.open(scene.port);
  let isOver = false;
  const drips = (async () => {
    while (!isOver) {
      await dripping.send("X").catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  assertEquals((await dripping.receiveAll()).status, 408);
  isOver = true;
  await drips;
});

Deno.test("OwnListener counts a connection over which no TLS has come about, until it ends", async () => {
  await using scene = new Bounded({ headTimeout: SHORT, mostPerNetwork: 1 }, { tls: true });
  using silent = await RawHTTP.open(scene.port);
  await eventually("the connection", () => scene.open === 1);
  using other = await RawHTTP.open(scene.port);
  await eventually("the refusal of another", () => scene.ends.length === 1);
  assertEquals(scene.ends, ["network"]);
  other.close();
  silent.close();
  await eventually("the end of it", () => scene.open === 0);
});

Deno.test("OwnListener ends a connection that is idle behind a request, and no other", async () => {
  await using scene = new Bounded({ keepaliveTimeout: SHORT });
  using visitor = await RawHTTP.open(scene.port);
  assertEquals((await visitor.exchange(GET)).text, "here");
  assertEquals([await visitor.readNext(), scene.ends], [null, ["idle"]]);
});

Deno.test("OwnListener gives up a visitor that takes nothing of its answer, and no other", async () => {
  const source = new CountedSource(Infinity);
  await using scene = new Bounded({ stallTimeout: SHORT, headTimeout: LONG }, { source });
  using visitor = await RawHTTP.open(scene.port);
  await visitor.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
  await within(source.cancelled, "the end of the answer");
  await eventually("the outcome", () => scene.outcomes.length === 1);
  assertEquals([scene.ends, scene.open], [["stall"], 0]);
});

Deno.test("OwnListener closes what one network has too many of, unless it is a proxy's", async () => {
  await using scene = new Bounded({ mostPerNetwork: 2 });
  using first = await RawHTTP.open(scene.port);
  using second = await RawHTTP.open(scene.port);
  for (const visitor of [first, second]) assertEquals((await visitor.exchange(GET)).text, "here");
  using third = await RawHTTP.open(scene.port);
  assertEquals([await third.readToEnd(), scene.ends], ["", ["network"]]);
  first.close();
  await eventually("a place", () => scene.open === 1);
  using fourth = await RawHTTP.open(scene.port);
  assertEquals((await fourth.exchange(GET)).text, "here");

  await using proxied = new Bounded({
    mostPerNetwork: 1,
    isProxy: (address) => address === "127.0.0.1",
  });
  using one = await RawHTTP.open(proxied.port);
  using other = await RawHTTP.open(proxied.port);
  for (const visitor of [one, other]) assertEquals((await visitor.exchange(GET)).text, "here");
});

Deno.test("OwnListener that has more connections than it may have ends an idle one, and where none is the next waits", async () => {
  const answer = Promise.withResolvers<void>();
  await using scene = new Bounded({ most: 1 }, { until: answer.promise });
  using idle = await RawHTTP.open(scene.port);
  assertEquals((await idle.exchange(GET)).text, "here");
  const waits = async () => {
    const visitor = await RawHTTP.open(scene.port);
    await visitor.send("GET /waits HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    return visitor;
  };
  using busy = await waits();
  assertEquals([await idle.readNext(), scene.ends], [null, ["full"]]);
  using other = await waits();
  await eventually("both that wait", () => scene.visits === 3);
  using last = await RawHTTP.open(scene.port);
  await last.send(GET);
  assertEquals([scene.open, scene.visits], [2, 3]);
  answer.resolve();
  for (const visitor of [busy, other]) {
    assertEquals((await visitor.receiveAll()).text, "here");
    visitor.close();
  }
  assertEquals((await last.receiveAll()).text, "here");
});

interface BoundedOptions {
  readonly tls?: boolean;
  /** What is answered at `/endless`. */
  readonly source?: CountedSource;
  /** What is waited for at `/waits`. */
  readonly until?: Promise<void>;
}

/** A listener with bounds of a test's own, and why it ended connections. */
class Bounded extends Scene {
  readonly ends: ConnectionEnd[] = [];

  constructor(bounds: Partial<ConnectionBounds>, options: BoundedOptions = {}) {
    const { tls = false, source = new CountedSource(0), until } = options;
    const connections = { ended: (why: ConnectionEnd) => void this.ends.push(why) };
    super("own", async ({ target }) => {
      if (target === "/waits") await until;
      return target === "/endless" ? { status: 200, fields: [], body: source } : answerWith("here");
    }, { tls, bounds: { ...USUAL_BOUNDS, ...bounds }, connections });
  }
}
