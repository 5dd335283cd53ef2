import { assert, assertEquals } from "@std/assert";
import { BanRecords, MAX_BANS } from "../../../lib/server/access/ban_records.ts";
import { MAX_BUS_TEXT } from "../../../lib/server/bus/bus_limits.ts";

const NETWORK = { kind: "network", value: "203.0.113.0/24" } as const;
const NO_REASON = { ...NETWORK, reason: "" };

Deno.test("BanRecords merged in any order come to the same, and the later decision counts", () => {
  const banned = record(NETWORK.value, 1_000);
  const lifted = record(NETWORK.value, 2_000, { isLifted: true });
  const again = record(NETWORK.value, 3_000, { reason: "again" });
  const other = record("198.51.100.7", 1_500);
  const orders = [
    [banned, lifted, again, other],
    [again, other, lifted, banned],
    [lifted, banned, other, again],
  ];
  const [first, ...others] = orders.map((order) =>
    order.reduce((records, each) => records.merged([each]), BanRecords.none)
  );
  assert(first !== undefined);
  for (const each of others) assertEquals(each.bans, first.bans);
  assertEquals(first.bans.map(({ value, reason }) => [value, reason]), [
    ["198.51.100.7", ""],
    ["203.0.113.0/24", "again"],
  ]);
  assertEquals(first.merged(orders.flat()), first, "nothing of it is new");
  // What was lifted is remembered, so an old copy of the ban does not bring it back.
  const free = BanRecords.none.merged([banned]).merged([lifted]);
  assertEquals([free.bans, free.has(NETWORK), free.merged([banned]) === free], [[], false, true]);
  // Of the same moment the ban counts.
  assert(BanRecords.none.merged([record(NETWORK.value, 2_000)]).merged([lifted]).has(NETWORK));
  assert(BanRecords.none.merged([lifted]).merged([record(NETWORK.value, 2_000)]).has(NETWORK));
});

Deno.test("BanRecords decides later than before, whatever the clock of the other node was", () => {
  const ahead = record(NETWORK.value, Date.now() + 3_600_000);
  const records = BanRecords.none.merged([ahead]);
  const lifted = records.decide({ ...NO_REASON, isLifted: true });
  assert(!records.merged([lifted]).has(NETWORK));
});

Deno.test("BanRecords are read as they were written, lifted ones too", () => {
  const records = BanRecords.none.merged([
    record(NETWORK.value, 1_000, { reason: "ärger\u0000" }),
    record("198.51.100.7", 2_000, { isLifted: true }),
  ]);
  const read = BanRecords.parse(records.text);
  assertEquals([...read], [...records]);
  assertEquals(BanRecords.parse('{"bans": []}').bans, []);
});

Deno.test("BanRecords keeps the latest of too many, and the longest list fits onto the bus", () => {
  const many = Array.from(
    { length: MAX_BANS + 600 },
    (_, i) =>
      record(`2001:db8:0:0:0:ffff:${i.toString(16)}:1234/128`, i, { reason: "\0".repeat(100) }),
  );
  const lifted = many.slice(0, 600).map((each) => ({ ...each, isLifted: true }));
  const records = BanRecords.none.merged([...many.slice(600), ...lifted]);
  assertEquals([records.bans.length, [...records].length], [MAX_BANS, MAX_BANS + 500]);
  const one = BanRecords.none.merged(many);
  assertEquals(one.bans.map(({ value }) => value), many.slice(-MAX_BANS).map(({ value }) => value));
  assertEquals(one.merged(many.slice(0, 600)), one, "older ones have no room");
  const sealed = Math.ceil((new TextEncoder().encode(records.text).length + 28) / 3) * 4;
  assert(sealed <= MAX_BUS_TEXT, `${sealed} bytes`);
});

function record(
  value: string,
  time: number,
  { reason = "", isLifted = false }: { reason?: string; isLifted?: boolean } = {},
) {
  return { kind: "network", value, reason, isLifted, since: new Date(time).toISOString() } as const;
}
