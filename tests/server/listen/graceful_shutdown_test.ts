import { assert, assertEquals } from "@std/assert";
import {
  type GracefulShutdownOptions,
  type LeavingSessions,
  shutDownGracefully,
} from "../../../lib/server/listen/graceful_shutdown.ts";
import { eventually } from "../../testing/eventually.ts";

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
      shutPublic: step("shutPublic"),
      shutClients: hasClientPort ? step("shutClients") : null,
    };
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
