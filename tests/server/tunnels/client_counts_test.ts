import { assertEquals } from "@std/assert";
import { ClientCounts } from "../../../lib/server/tunnels/client_counts.ts";
import type { ClientUpstream } from "../../../lib/server/tunnels/client_upstream.ts";
import type { Registry } from "../../../lib/server/tunnels/registry.ts";
import { FrameType } from "../../../lib/wire/frame.ts";
import { decodeNotice } from "../../../lib/wire/notice.ts";
import { upstreamOf } from "../../testing/client_upstreams.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { roomyRegistry } from "../../testing/roomy_registry.ts";
import { SessionAndPeer } from "../../testing/session_fixture.ts";
import { settled } from "../../testing/turn.ts";

const HOST = "a.test";

const BOTH = { features: ["notices", "clients"] } as const;

Deno.test("ClientCounts tells each client of a tunnel how many they are, and how many serve something else", async () => {
  using clock = new FakeClock();
  using place = new Place();
  using one = new Joined(place, "one", "s");
  using more = new Joined(place, "one", "s");
  await place.settle(clock);
  assertEquals([one.told(), more.told()], [[], []], "one client with two connections is alone");
  using two = new Joined(place, "two", "s");
  await place.settle(clock);
  assertEquals([one.told(), more.told(), two.told()], [[[2, 0]], [[2, 0]], [[2, 0]]]);
  using three = new Joined(place, "three", "other");
  await place.settle(clock);
  assertEquals([one.told(), more.told()], [[[3, 1]], [[3, 1]]]);
  assertEquals([two.told(), three.told()], [[[3, 1]], [[3, 2]]]);
});

Deno.test("ClientCounts tells those that stay when a client has left", async () => {
  using clock = new FakeClock();
  using place = new Place();
  using one = new Joined(place, "one", "s");
  using two = new Joined(place, "two", "other");
  await place.settle(clock);
  assertEquals([one.told(), two.told()], [[[2, 1]], [[2, 1]]]);
  two.leave();
  await place.settle(clock);
  assertEquals([one.told(), two.told()], [[[1, 0]], []]);
  const timers = clock.pending;
  one.leave();
  assertEquals(clock.pending, timers, "no timer is left with nobody to tell");
});

Deno.test("ClientCounts takes a service that is not known for the same as any", async () => {
  using clock = new FakeClock();
  using place = new Place();
  using one = new Joined(place, "one", "");
  using two = new Joined(place, "two", "s");
  await place.settle(clock);
  assertEquals([one.told(), two.told()], [[[2, 0]], [[2, 0]]]);
});

Deno.test("ClientCounts neither counts nor tells clients without the feature", async () => {
  using clock = new FakeClock();
  using place = new Place();
  using old = new Joined(place, null, "", { features: ["notices"] });
  using one = new Joined(place, "one", "s");
  using two = new Joined(place, "two", "s");
  await place.settle(clock);
  assertEquals([old.told(), one.told(), two.told()], [[], [[2, 0]], [[2, 0]]]);
});

Deno.test("ClientCounts does not count a connection that answers no more, and counts one that answers late", async () => {
  using clock = new FakeClock();
  using place = new Place();
  using slow = new Joined(place, "slow", "s");
  using one = new Joined(place, "one", "other");
  one.answer();
  clock.advance(1_000);
  await settled();
  assertEquals([slow.told(), one.told()], [[], []], "it may be a client that died and is back");
  await place.settle(clock);
  assertEquals([slow.told(), one.told()], [[[2, 1]], [[2, 1]]]);
});

Deno.test("ClientCounts tells nobody of tunnels of others", async () => {
  using clock = new FakeClock();
  using place = new Place();
  using one = new Joined(place, "one", "s");
  using other = new Joined(place, "two", "other", BOTH, "b.test");
  await place.settle(clock);
  assertEquals([one.told(), other.told()], [[], []]);
});

/** A server's tunnels. */
class Place implements Disposable {
  readonly registry: Registry = roomyRegistry();
  readonly counts = new ClientCounts({ upstreamsOf: (host) => this.registry.upstreamsOf(host) });
  readonly all: Joined[] = [];

  /** Has every connection answer what it was asked, and lets the time pass after which clients are told. */
  async settle(clock: FakeClock): Promise<void> {
    for (const joined of this.all) joined.answer();
    await settled();
    clock.advance(1_000);
    await settled();
  }

  [Symbol.dispose](): void {
    this.counts.close();
  }
}

/** A connection of a client, from its registration on. */
class Joined implements Disposable {
  readonly #place: Place;
  readonly #near: SessionAndPeer;
  readonly #upstream: ClientUpstream;
  readonly #hostname: string;

  /** @param client null for one without a mark. */
  constructor(
    place: Place,
    client: string | null,
    service: string,
    options: ConstructorParameters<typeof SessionAndPeer>[1] = BOTH,
    hostname = HOST,
  ) {
    this.#place = place;
    this.#near = new SessionAndPeer("server", options);
    this.#hostname = hostname;
    const mark = client === null ? null : { client, service };
    const { session } = this.#near;
    this.#upstream = upstreamOf(session, { hostname, thumbprint: hostname, mark });
    place.registry.add(this.#upstream);
    place.counts.changed(hostname);
    place.all.push(this);
  }

  /** Gives a sign of life. */
  answer(): void {
    this.#near.peer.send(FrameType.Pong, { payload: new Uint8Array(8) });
  }

  leave(): void {
    this.#place.registry.remove(this.#upstream);
    this.#place.counts.changed(this.#hostname);
  }

  /** Takes what it was told: the count of clients, and how many of them serve something else. */
  told(): [count: number, different: number][] {
    return this.#near.peer.take().filter(({ type }) => type === FrameType.Notice)
      .flatMap(({ payload }) => decodeNotice(payload).clients ?? [])
      .map(({ count, different }) => [count, different]);
  }

  [Symbol.dispose](): void {
    this.#near[Symbol.dispose]();
  }
}
