import { assert, assertEquals } from "@std/assert";
import { RequestPolicy } from "../../../lib/server/access/request_policy.ts";
import { OwnRates } from "../../../lib/server/access/own_rates.ts";
import type { KeyLimits } from "../../../lib/server/access/key_settings.ts";
import { Limiter } from "../../../lib/server/access/limiter.ts";
import { GuessQueue } from "../../../lib/server/access/guess_queue.ts";
import { VisitorQuotas } from "../../../lib/server/access/visitor_quotas.ts";
import { ServerMetrics } from "../../../lib/server/admin/server_metrics.ts";
import type { Asking } from "../../../lib/server/tunnels/upstream.ts";
import { OPEN_POLICY, type VisitorPolicy } from "../../../lib/identity/visitor_policy.ts";
import { asking } from "../../testing/asking.ts";
import { requestHead } from "../../testing/fake_incoming.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { authorization, passwordHash } from "../../testing/password.ts";
import { roomyRegistry } from "../../testing/roomy_registry.ts";

interface Setting {
  readonly policy?: VisitorPolicy;
  readonly requests?: Limiter;
  readonly load?: () => number;
  readonly ownRates?: OwnRates;
  readonly allowance?: () => KeyLimits;
}

function requestPolicy(
  {
    policy = OPEN_POLICY,
    requests,
    load = () => 0,
    ownRates = new OwnRates({ most: 10 }),
    ...rest
  }: Setting = {},
) {
  const { limited } = new ServerMetrics(roomyRegistry());
  const keeper = new RequestPolicy({
    ...rest,
    id: "a",
    owner: "192.0.2.9",
    policy,
    requests: requests ?? null,
    ownRates,
    isOwnHost: (host) => host === "app.example",
    isSecure: true,
    streams: 10,
    visitors: new VisitorQuotas(10, 5),
    guesses: new GuessQueue(),
    limited,
    load,
  });
  const ask = (given: Partial<Asking> = {}) => {
    const verdict = keeper.admit(asking(given));
    assert(!(verdict instanceof Promise));
    return verdict?.status ?? 200;
  };
  const counts = () =>
    Object.fromEntries(
      Object.entries(limited).map(([reason, { value }]) => [reason, value])
        .filter(([, value]) => value !== 0),
    );
  return { keeper, ask, counts };
}

Deno.test("RequestPolicy holds a tunnel to what the operator allows its key now, and its owner at the least", () => {
  using clock = new FakeClock();
  let allowed: KeyLimits = { rate: { count: 2, period: 1000 }, maxStreams: 3, maxBody: 10 };
  let load = 0;
  const limits = { ...OPEN_POLICY.limits, body: 20 };
  const { keeper, ask, counts } = requestPolicy({
    policy: { ...OPEN_POLICY, limits },
    allowance: () => allowed,
    load: () => load,
  });
  assertEquals(keeper.maxBody, 10);
  assertEquals(ask({ fields: [["content-length", "11"]] }), 413);
  assertEquals([ask(), ask(), ask()], [200, 200, 429]);
  clock.advance(1000);
  load = 3;
  assertEquals(ask(), 503);
  allowed = { rate: null, maxStreams: null, maxBody: null };
  assertEquals([ask(), ask(), ask(), keeper.maxBody], [200, 200, 200, 20]);
  assertEquals(counts(), { body: 1, rate: 1, streams: 1 });
});

Deno.test("RequestPolicy lets everything in where nothing is configured, at once", () => {
  const { ask, counts } = requestPolicy();
  assertEquals(ask(), 200);
  assertEquals(counts(), {});
});

Deno.test("RequestPolicy answers 429 above the rate, with whole seconds until the next", () => {
  using clock = new FakeClock();
  const { keeper, ask, counts } = requestPolicy({
    requests: new Limiter({ count: 2, period: 60_000 }, { most: 1000 }),
  });
  assertEquals([ask(), ask(), ask()], [200, 200, 429]);
  clock.advance(500);
  const refusal = keeper.admit(asking());
  assert(refusal !== null && !(refusal instanceof Promise));
  assertEquals(refusal.fields, [["retry-after", "30"]]);
  assertEquals(counts(), { rate: 2 });
});

Deno.test("RequestPolicy leaves half of a tunnel's streams to other visitors than the one that has the rest", () => {
  const { keeper, ask, counts } = requestPolicy();
  const leave = Array.from({ length: 5 }, () => keeper.enter("192.0.2.1"));
  assertEquals([ask(), ask({ address: "192.0.2.2" })], [429, 200]);
  leave.pop()?.();
  assertEquals([ask(), counts()], [200, { visitor: 1 }]);
});

Deno.test("RequestPolicy shares the rate among all connections of one tunnel, not with other tunnels", () => {
  using _clock = new FakeClock();
  const requests = new Limiter({ count: 2, period: 1000 }, { most: 1000 });
  const [first, second] = [requestPolicy({ requests }), requestPolicy({ requests })];
  assertEquals([first.ask(), second.ask(), first.ask(), second.ask()], [200, 200, 429, 429]);
  assertEquals(requests.take("b"), 0);
});

Deno.test("RequestPolicy answers 503 when the tunnel's connections have all the streams that they may", () => {
  let load = 9;
  const { ask, counts } = requestPolicy({ load: () => load });
  assertEquals(ask(), 200);
  load = 10;
  assertEquals(ask(), 503);
  load = 9;
  assertEquals(ask(), 200);
  assertEquals(counts(), { streams: 1 });
});

Deno.test("RequestPolicy keeps to what the owner limits further, and no further than the server does", () => {
  using _clock = new FakeClock();
  const limits = { rate: { count: 3, period: 60_000 }, streams: 4, body: 100, timeout: null };
  const policy = { ...OPEN_POLICY, limits };
  let load = 3;
  const ownRates = new OwnRates({ most: 10 });
  const { ask, counts, keeper } = requestPolicy({ policy, ownRates, load: () => load });
  const announcing = (length: number) => ask({ fields: [["content-length", `${length}`]] });
  assertEquals([announcing(100), announcing(101)], [200, 413]);
  load = 4;
  assertEquals(ask(), 503);
  load = 3;
  // Another connection of the tunnel has the same count.
  assertEquals([requestPolicy({ policy, ownRates }).ask(), ask()], [200, 429]);
  assertEquals(counts(), { body: 1, streams: 1, rate: 1 });
  assertEquals(keeper.maxBody, 100);
  const more = { ...OPEN_POLICY, limits: { ...limits, streams: 1_000, rate: null } };
  assertEquals(requestPolicy({ policy: more, load: () => 10 }).ask(), 503);
});

Deno.test("RequestPolicy answers 403 to addresses that the owner has not allowed, of both families", () => {
  const allowIp = ["192.0.2.0/24", "2001:db8::/32", "::ffff:198.51.100.7"];
  const { ask, counts } = requestPolicy({ policy: { ...OPEN_POLICY, allowIp } });
  for (
    const [address, status] of Object.entries({
      "192.0.2.1": 200,
      "::ffff:192.0.2.255": 200,
      "192.0.3.1": 403,
      "::ffff:192.0.3.1": 403,
      "198.51.100.7": 200,
      "2001:db8:1::1": 200,
      "2001:db9::1": 403,
      "::1": 403,
      "unknown": 403,
      "": 403,
    })
  ) assertEquals(ask({ address }), status, address);
  assertEquals(counts(), { address: 6 });
});

Deno.test("RequestPolicy takes nothing of the rate for addresses that are not allowed, but for wrong guesses", async () => {
  using _clock = new FakeClock();
  const policy = {
    ...OPEN_POLICY,
    allowIp: ["192.0.2.1"],
    basicAuth: [await passwordHash("ann", "secret")],
  };
  const requests = new Limiter({ count: 3, period: 1000 }, { most: 1000 });
  const { keeper, ask, counts } = requestPolicy({ policy, requests });
  for (let i = 0; i < 10; i++) assertEquals(ask({ address: "192.0.2.2" }), 403);
  assertEquals([ask(), ask()], [401, 401]);
  const right = { address: "192.0.2.1", fields: [authorization("ann:secret")] };
  assertEquals(await keeper.admit(asking(right)), null);
  assertEquals(ask(right), 429);
  assertEquals(counts(), { address: 10, auth: 2, rate: 1 });
});

Deno.test("RequestPolicy owns the Authorization field only where it asks for a password", async () => {
  const head = requestHead({ fields: [authorization("ann:secret"), ["a", "b"]] });
  assertEquals(requestPolicy().keeper.headFor(head), head);
  const policy = { ...OPEN_POLICY, basicAuth: [await passwordHash("ann", "secret")] };
  assertEquals(requestPolicy({ policy }).keeper.headFor(head).fields, [["a", "b"]]);
});
