import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Guesser, GuessQueue } from "../../../lib/server/access/guess_queue.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { turn } from "../../testing/turn.ts";

Deno.test("GuessQueue checks one guess at a time, those of one guesser in the order in which they came", async () => {
  const scene = new Scene();
  const guesses = ["1", "2", "3"].map((name) => scene.guess(name));
  assertEquals(scene.begun, ["1"]);
  await scene.endAll();
  assertEquals(scene.begun, ["1", "2", "3"]);
  assertEquals(await Promise.all(guesses), [true, true, true]);
});

Deno.test("GuessQueue goes on after a check that failed", async () => {
  const queue = new GuessQueue();
  const failing = queue.check(GUESSER, () => Promise.reject(new Error("no")));
  const next = queue.check(GUESSER, () => Promise.resolve(true));
  await assertRejects(async () => await failing);
  assertEquals(await next, true);
});

Deno.test("GuessQueue gives turns to tunnels, owners and visitors in turn: one with many guesses waits for itself", async (t) => {
  const rows: readonly [string, (i: number) => Partial<Guesser>][] = [
    ["one visitor at many tunnels of many owners", (i) => ({ tunnel: `t${i}`, owner: `o${i}` })],
    ["many visitors at one tunnel", (i) => ({ visitor: `v${i}` })],
    ["many visitors at many tunnels of one owner", (i) => ({ tunnel: `t${i}`, visitor: `v${i}` })],
  ];
  for (const [name, guesser] of rows) {
    await t.step(name, async () => {
      const scene = new Scene();
      for (let i = 0; i < 8; i++) void scene.guess(`guess ${i}`, guesser(i));
      void scene.guess("login", OTHER);
      await scene.endAll();
      assertEquals(scene.begun.slice(0, 3), ["guess 0", "login", "guess 1"]);
    });
  }
});

Deno.test("GuessQueue has eight places for a tunnel, of which a visitor with most of them loses the latest to another", async () => {
  const scene = new Scene();
  const guesses = Array.from({ length: 8 }, (_, i) => scene.guess(`guess ${i}`));
  assertEquals(scene.guess("one more"), null);
  const login = scene.guess("login", { visitor: "elsewhere" });
  assertEquals(await guesses[7], null);
  await scene.endAll();
  assertEquals(await login, true);
  assertEquals(scene.begun.slice(0, 3), ["guess 0", "login", "guess 1"]);
  assertEquals((await Promise.all(guesses)).filter((outcome) => outcome === true).length, 7);
});

Deno.test("GuessQueue lets 64 guesses wait in all, of which the greediest loses its latest to a newcomer", async (t) => {
  await t.step("one visitor at many tunnels", async () => {
    const scene = new Scene();
    const at = (i: number) => ({ tunnel: `t${i}`, owner: `o${i}` });
    const guesses = Array.from({ length: 65 }, (_, i) => scene.guess(`guess ${i}`, at(i)));
    assertEquals(scene.guess("one more", at(65)), null);
    const login = scene.guess("login", OTHER);
    assert(login !== null);
    assertEquals(await guesses[64], null);
    await scene.endAll();
    assertEquals([await login, scene.begun.length], [true, 65]);
    assertEquals(scene.begun[1], "login");
  });
  await t.step("nobody more than the newcomer", async () => {
    const scene = new Scene();
    const each = (i: number) => ({ tunnel: `t${i}`, owner: `o${i}`, visitor: `v${i}` });
    for (let i = 0; i < 65; i++) void scene.guess(`guess ${i}`, each(i));
    assertEquals(scene.guess("login", OTHER), null);
    await scene.endAll();
    assertEquals(scene.begun.length, 65);
  });
});

Deno.test("GuessQueue lets a guess wait five seconds and no longer", async () => {
  using clock = new FakeClock();
  const scene = new Scene();
  const checked = scene.guess("checked");
  const waiting = scene.guess("waiting");
  clock.advance(4_999);
  const later = scene.guess("later");
  clock.advance(1);
  assertEquals(await waiting, null);
  await scene.endAll();
  assertEquals([await checked, await later], [true, true]);
  assertEquals(scene.begun, ["checked", "later"]);
});

Deno.test("GuessQueue has the places of what is over for others", async () => {
  const scene = new Scene();
  for (let round = 0; round < 20; round++) {
    const guesses = Array.from({ length: 8 }, (_, i) => scene.guess(`${round} ${i}`));
    await scene.endAll();
    assertEquals(await Promise.all(guesses), new Array(8).fill(true));
  }
});

const GUESSER: Guesser = { tunnel: "t", owner: "o", visitor: "v" };

/** Somebody who has nothing to do with the guesser above. */
const OTHER: Guesser = { tunnel: "other t", owner: "other o", visitor: "other v" };

/** A queue whose checks end when the test says so. */
class Scene {
  /** The guesses whose checks have begun, in order. */
  readonly begun: string[] = [];
  readonly #queue = new GuessQueue();
  readonly #ends: (() => void)[] = [];

  guess(name: string, guesser: Partial<Guesser> = {}): Promise<boolean | null> | null {
    return this.#queue.check({ ...GUESSER, ...guesser }, () => {
      this.begun.push(name);
      return new Promise((resolve) => this.#ends.push(() => resolve(true)));
    });
  }

  /** Ends one check after the other until none is left. */
  async endAll(): Promise<void> {
    for (let end = this.#ends.shift(); end !== undefined; end = this.#ends.shift()) {
      end();
      await turn();
    }
  }
}
