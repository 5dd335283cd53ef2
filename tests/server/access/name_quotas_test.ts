import { assert, assertEquals } from "@std/assert";
import { MAX_NAMES_OF_KEY, NameQuotas } from "../../../lib/server/access/name_quotas.ts";
import { FakeClock } from "../../testing/fake_clock.ts";

const KEPT = 1_000;

Deno.test("NameQuotas gives each key so many names, and those again", () => {
  const shares = filled();
  assert(!shares.take("a", "more"));
  assert(shares.take("a", "0"));
  assert(shares.take("b", "more"));
});

Deno.test("NameQuotas counts a name until its time is over, from the last time that it was taken", () => {
  using clock = new FakeClock();
  const shares = filled();
  clock.advance(KEPT - 1);
  assert(shares.take("a", "0"));
  assert(!shares.take("a", "more"));
  clock.advance(1);
  for (let i = 1; i < MAX_NAMES_OF_KEY; i++) assert(shares.take("a", `more-${i}`));
  assert(!shares.take("a", "more"));
});

Deno.test("NameQuotas.giveBack makes room for another name, and forgets a key without any", () => {
  const shares = filled();
  shares.giveBack("a", "0");
  assert(shares.take("a", "more"));
  shares.take("b", "more");
  shares.giveBack("b", "more");
  shares.giveBack("c", "more");
  assertEquals(shares.size, 1);
});

Deno.test("NameQuotas remembers 10,000 keys and forgets the one that asked least lately", () => {
  const shares = filled();
  for (let i = 0; i < 9_999; i++) shares.take(`key ${i}`, `${i}`);
  shares.take("a", "0");
  shares.take("one more", "name");
  assertEquals(shares.size, 10_000);
  assert(!shares.take("a", "more"));
});

/** Shares of which the key "a" has all that it may. */
function filled(): NameQuotas {
  const shares = new NameQuotas(KEPT);
  for (let i = 0; i < MAX_NAMES_OF_KEY; i++) assert(shares.take("a", `${i}`));
  return shares;
}
