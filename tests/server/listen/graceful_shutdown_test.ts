import { assert, assertEquals } from "@std/assert";
import {
  type GracefulShutdownOptions,
  type LeavingSessions,
  shutDownGracefully,
} from "../../../lib/server/listen/graceful_shutdown.ts";
import { eventually } from "../../testing/eventually.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { settled } from "../../testing/turn.ts";

Deno.test("shutDownGracefully with a port for clients shuts the public one when nothing fragile is left, and then the clients'", async () => {
  const place = new Place({ fragile: 1, load: 3 });
  const departed = shutDownGracefully(place.options({ hasClientPort: true, drainTimeout: 60_000 }));
  await eventually("the nodes to be left", () => place.steps.includes("leaveNodes"));
  assertEquals(place.steps, ["goAway", "leaveNodes"]);
  place.fragile = 0;
  await departed;
  assertEquals(place.steps, [
    ...["goAway", "leaveNodes", "shutPublic", "drain", "close", "shutClients"],
  ]);
});

Deno.test("shutDownGracefully with a port for clients cuts what is fragile when its time is over", async () => {
  const place = new Place({ fragile: 1, load: 1 });
  await shutDownGracefully(place.options({ hasClientPort: true, drainTimeout: 100 }));
  assertEquals(place.steps.slice(-4), ["shutPublic", "drain", "close", "shutClients"]);
});

Deno.test("shutDownGracefully on a single port finishes what was there before, and leaves at a moment without a stream", async () => {
  const place = new Place({ load: 2, isFinishing: true });
  const departed = shutDownGracefully(place.options({ drainTimeout: 60_000 }));
  await eventually("the nodes to be left", () => place.steps.includes("leaveNodes"));
  place.isFinishing = false;
  place.load = 0;
  await departed;
  assertEquals(place.steps, ["goAway", "leaveNodes", "close", "shutPublic"]);
});

Deno.test("shutDownGracefully on a single port that is never without a stream lets no more in", async () => {
  const place = new Place({ load: 2 });
  await shutDownGracefully(place.options({ drainTimeout: 60_000 }));
  assertEquals(place.steps, ["goAway", "leaveNodes", "drain", "close", "shutPublic"]);
});

Deno.test("shutDownGracefully waits for nobody when there are no clients", async () => {
  const place = new Place({});
  await shutDownGracefully(
    place.options({ hasClientPort: true, isShared: true, drainTimeout: 60_000 }),
  );
  assertEquals(place.steps.at(-1), "shutClients");
});

Deno.test("shutDownGracefully ends in its time though nothing ever finishes", async () => {
  const never = new Promise<void>(() => {});
  const place = new Place({ load: 1, fragile: 1, isFinishing: true, finishes: never });
  await shutDownGracefully(place.options({ hasClientPort: true, drainTimeout: 50 }));
  await shutDownGracefully(place.options({ drainTimeout: 50 }));
  assert(place.steps.includes("shutClients"));
});

Deno.test("shutDownGracefully on a single port waits for an answer of ten seconds, and for none above its time", async () => {
  using clock = new FakeClock();
  const place = new Place({ load: 1, isFinishing: true });
  const departed = place.shut({ drainTimeout: 30_000 });
  await pass(clock, 9_900);
  assertEquals(place.steps, ["goAway", "leaveNodes"]);
  place.load = 0;
  place.isFinishing = false;
  await pass(clock, 100);
  assertEquals(place.steps, ["goAway", "leaveNodes", "close", "shutPublic"]);
  await departed;

  const stuck = new Place({ load: 1, isFinishing: true, finishes: new Promise(() => {}) });
  const ended = stuck.shut({ drainTimeout: 30_000, leaveNodes: () => Promise.resolve() });
  await pass(clock, 24_900);
  assertEquals(stuck.steps, ["goAway"]);
  // The last five seconds let no more in.
  await pass(clock, 200);
  assertEquals(stuck.steps, ["goAway", "drain"]);
  await pass(clock, 4_800);
  assertEquals(stuck.steps, ["goAway", "drain"]);
  await pass(clock, 200);
  assertEquals(stuck.steps, ["goAway", "drain", "close", "shutPublic"]);
  // The last bytes to the visitors have a second in any case.
  let isOver = false;
  const over = ended.then(() => isOver = true);
  await pass(clock, 800);
  assertEquals(isOver, false);
  await pass(clock, 200);
  await over;
});

Deno.test("shutDownGracefully waits for slow nodes to leave, and three quarters of its time at most", async () => {
  for (const hasClientPort of [false, true]) {
    using clock = new FakeClock();
    const left = Promise.withResolvers<void>();
    const slow = new Place({});
    const departed = slow.shut({
      hasClientPort,
      drainTimeout: 8_000,
      leaveNodes: () => left.promise,
    });
    await pass(clock, 5_000);
    assertEquals(slow.steps, ["goAway"]);
    left.resolve();
    await pass(clock, 100);
    await departed;
    assertEquals(slow.steps.at(-1), hasClientPort ? "shutClients" : "shutPublic");

    let given = 0;
    const stuck = new Place({});
    const ended = stuck.shut({
      hasClientPort,
      drainTimeout: 8_000,
      leaveNodes: (time) => {
        given = time;
        return new Promise(() => {});
      },
    });
    await pass(clock, 5_900);
    assertEquals([stuck.steps, given], [["goAway"], 6_000]);
    await pass(clock, 200);
    await ended;
    assertEquals(stuck.steps.at(-1), hasClientPort ? "shutClients" : "shutPublic");
  }
});

/** Lets time pass in small steps, so that what waits can go on in between. */
async function pass(clock: FakeClock, milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += STEP) {
    await settled(1);
    clock.advance(STEP);
  }
  await settled(1);
}

/** Milliseconds. */
const STEP = 20;

interface PlaceState {
  readonly load?: number;
  readonly fragile?: number;
  readonly isFinishing?: boolean;
  /** What each step that takes its time waits for. */
  readonly finishes?: Promise<void>;
}

/** A server that notes the steps of its departure. */
class Place {
  readonly steps: string[] = [];
  load: number;
  fragile: number;
  isFinishing: boolean;
  readonly #finishes: Promise<void>;

  constructor(state: PlaceState) {
    this.load = state.load ?? 0;
    this.fragile = state.fragile ?? 0;
    this.isFinishing = state.isFinishing ?? false;
    this.#finishes = state.finishes ?? Promise.resolve();
  }

  options(
    { hasClientPort = false, isShared = false, drainTimeout }: {
      readonly hasClientPort?: boolean;
      readonly isShared?: boolean;
      readonly drainTimeout: number;
    },
  ): GracefulShutdownOptions {
    const step = (name: string) => (): Promise<void> => {
      this.steps.push(name);
      return this.#finishes;
    };
    return {
      clientSessions: this.#clientSessions(step("drain")),
      fragile: () => this.fragile,
      leaveNodes: step("leaveNodes"),
      drainTimeout,
      isShared,
      stopAccepting: () => null,
      shutPublic: step("shutPublic"),
      shutClients: hasClientPort ? step("shutClients") : null,
    };
  }

  /** Begins to shut down, with some options of the test's own. */
  shut(
    { leaveNodes, ...rest }: Parameters<Place["options"]>[0] & {
      readonly leaveNodes?: GracefulShutdownOptions["leaveNodes"];
    },
  ): Promise<void> {
    const options = this.options(rest);
    return shutDownGracefully({ ...options, leaveNodes: leaveNodes ?? options.leaveNodes });
  }

  #clientSessions(drain: () => Promise<void>): LeavingSessions {
    const { steps } = this;
    const place = (): Place => this;
    return {
      get leaving() {
        return place().load;
      },
      get finishing() {
        return place().isFinishing;
      },
      get load() {
        return place().load;
      },
      goAway: () => void steps.push("goAway"),
      drain,
      close: () => void steps.push("close"),
    };
  }
}
