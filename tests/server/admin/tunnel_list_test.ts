import { assertEquals, assertThrows } from "@std/assert";
import { TunnelList, type UpstreamFigures } from "../../../lib/server/admin/tunnel_list.ts";
import type { TunnelPart } from "../../../lib/server/admin/operator_view.ts";

Deno.test("TunnelList.page adds up what the connections of a tunnel carry, whatever client has them", () => {
  const upstreams = [
    figures("a", { since: 2000, received: 10, sent: 100, load: 1 }),
    figures("b", { since: 3000 }),
    figures("a", { address: "192.0.2.2", since: 1000, received: 5, sent: 50, load: 2 }),
    figures("a", { address: "192.0.2.2", since: 4000 }),
  ];
  const { tunnels: [first, second], next } = page(upstreams, "", "node-1");
  assertEquals(next, null);
  assertEquals(first, {
    node: "node-1",
    id: "a",
    hostnames: ["a.test"],
    name: "",
    key: "key of a",
    comment: "note on key of a",
    since: "1970-01-01T00:00:01.000Z",
    clients: 2,
    connections: [
      {
        address: "192.0.2.1",
        since: "1970-01-01T00:00:02.000Z",
        streams: 1,
        bytes: { received: 10, sent: 100 },
      },
      {
        address: "192.0.2.2",
        since: "1970-01-01T00:00:01.000Z",
        streams: 2,
        bytes: { received: 5, sent: 50 },
      },
      {
        address: "192.0.2.2",
        since: "1970-01-01T00:00:04.000Z",
        streams: 0,
        bytes: { received: 0, sent: 0 },
      },
    ],
    streams: 3,
    bytes: { received: 15, sent: 150 },
    visits: { requests: 6, refused: 0 },
  });
  assertEquals([second?.id, second?.clients, second?.streams], ["b", 1, 0]);
});

Deno.test("TunnelList.page shows each hostname of a tunnel once", () => {
  const both = { hostnames: ["a.test", "shop.test"] };
  const { tunnels } = page([figures("a", { hostnames: ["a.test"] }), figures("a", both)]);
  assertEquals(tunnels.map(({ hostnames }) => hostnames), [["a.test", "shop.test"]]);
});

Deno.test("TunnelList.page of no tunnels is the last page", () => {
  assertEquals(page([]), { total: 0, tunnels: [], next: null });
  assertEquals(page([figures("a")], "after=a"), { total: 1, tunnels: [], next: null });
});

Deno.test("TunnelList.page follows the ids, so that each page begins where the one before ended", () => {
  const upstreams = ["d", "b", "e", "a", "c"].map((id) => figures(id));
  const seen: string[][] = [];
  for (let after: string | null = ""; after !== null;) {
    const { tunnels, next }: TunnelPart = page(upstreams, `limit=2&after=${after}`);
    seen.push(tunnels.map(({ id }) => id));
    after = next;
  }
  assertEquals(seen, [["a", "b"], ["c", "d"], ["e"]]);
  assertEquals(page(upstreams, "limit=5").next, null, "a full last page has no next");
  assertEquals(
    ids(page(upstreams, "after=bb")),
    ["c", "d", "e"],
    "whose tunnel has gone meanwhile",
  );
});

Deno.test("TunnelList.page shows 100 tunnels, or as many as asked for up to 1,000", () => {
  const upstreams = Array.from({ length: 1200 }, (_, i) => figures(String(10_000 + i)));
  assertEquals(page(upstreams).tunnels.length, 100);
  assertEquals(page(upstreams, "limit=1").tunnels.length, 1);
  const full = page(upstreams, "limit=1000");
  assertEquals([full.tunnels.length, full.next], [1000, "10999"]);
  for (const limit of ["0", "1001", "-1", "1e2", "", "ten", "99999999999999999999"]) {
    assertThrows(() => page(upstreams, `limit=${limit}`), RangeError, "1 to 1000", limit);
  }
});

Deno.test("TunnelList.page ends early with 5,000 connections, but never without a tunnel", () => {
  const upstreams = Array.from(
    { length: 300 },
    (_, i) => Array.from({ length: 64 }, () => figures(String(1000 + i))),
  ).flat();
  const first = page(upstreams, "limit=1000");
  assertEquals([first.tunnels.length, first.next], [78, "1077"]);
  assertEquals(page(upstreams, `after=${first.next}`).tunnels[0]?.id, "1078");
  const huge = Array.from({ length: 6000 }, () => figures("a"));
  assertEquals(ids(page([...huge, figures("b")])), ["a"]);
});

Deno.test("TunnelList.page finds tunnels by all that is shown of them", () => {
  const upstreams = [
    figures("abc", { hostnames: ["abc.test", "shop.test"] }),
    figures("def", { address: "198.51.100.7" }),
  ];
  const found = (search: string) => ids(page(upstreams, `search=${encodeURIComponent(search)}`));
  assertEquals(found("SHOP"), ["abc"]);
  assertEquals(found(" 198.51 "), ["def"]);
  assertEquals(found("note on key of d"), ["def"]);
  assertEquals([found(""), found("nothing")], [["abc", "def"], []]);
  assertEquals(page(upstreams, "search=abc").total, 1);
});

/** What tells one connection from another; the rest is the same for all. */
interface Given {
  readonly hostnames?: readonly string[];
  readonly address?: string;
  /** Milliseconds since 1970. */
  readonly since?: number;
  readonly received?: number;
  readonly sent?: number;
  readonly load?: number;
}

function figures(id: string, given: Given = {}): UpstreamFigures {
  const { hostnames = [`${id}.test`], address = "192.0.2.1", since = 0 } = given;
  const { received = 0, sent = 0, load = 0 } = given;
  return {
    ...{ id, name: "", thumbprint: `key of ${id}`, hostnames, address, since: new Date(since) },
    ...{ received, sent, session: { load } },
  };
}

function page(upstreams: readonly UpstreamFigures[], query = "", node: string | null = null) {
  const list = new TunnelList({
    registry: { upstreams: () => upstreams },
    node,
    commentOf: (key) => `note on ${key}`,
    visitsOf: (hostname) => ({ requests: hostname.length, refused: 0 }),
  });
  return list.page(new URLSearchParams(query));
}

function ids({ tunnels }: TunnelPart): string[] {
  return tunnels.map(({ id }) => id);
}
