import { assertEquals } from "@std/assert";
import { mergedPart } from "../../../lib/server/admin/merged_part.ts";
import type { ListedTunnel, TunnelPart } from "../../../lib/server/admin/operator_view.ts";

Deno.test("mergedPart puts the tunnels of all nodes into one order, and keeps one tunnel's together", () => {
  const merged = mergedPart([part("one", "ace"), part("two", "bcd")], 3);
  assertEquals(shown(merged), ["a one", "b two", "c one", "c two"]);
  assertEquals([merged.total, merged.next], [6, "c"]);
  assertEquals(mergedPart([part("one", "de"), part("two", "d")], 3).next, null);
  assertEquals(mergedPart([], 3), { total: 0, tunnels: [], next: null });
});

Deno.test("mergedPart ends where the first node's part ends, so that no page passes over a tunnel", () => {
  const all = { one: "abcdefgh", two: "bdfhjl", three: "z" };
  const seen: string[] = [];
  for (let after: string | null = ""; after !== null;) {
    const from: string = after;
    const parts = Object.entries(all).map(([node, ids]) => {
      const left = [...ids].filter((id) => id > from).join("");
      // The second node's message has room for two.
      const sent = left.slice(0, node === "two" ? 2 : 4);
      return { ...part(node, sent), next: sent.length < left.length ? sent.at(-1) ?? null : null };
    });
    const merged = mergedPart(parts, 4);
    seen.push(...shown(merged));
    after = merged.next;
  }
  const expected = Object.entries(all).flatMap(([node, ids]) =>
    [...ids].map((id) => `${id} ${node}`)
  );
  assertEquals(seen.toSorted(), expected.toSorted());
});

function shown({ tunnels }: TunnelPart): readonly string[] {
  return tunnels.map(({ id, node }) => `${id} ${node}`);
}

function part(node: string, ids: string): TunnelPart {
  return { total: ids.length, tunnels: [...ids].map((id) => tunnel(node, id)), next: null };
}

function tunnel(node: string, id: string): ListedTunnel {
  return {
    ...{ node, id, hostnames: [], name: "", key: "", comment: "", since: "", clients: 0 },
    ...{ connections: [], streams: 0, bytes: { received: 0, sent: 0 } },
    visits: { requests: 0, refused: 0 },
  };
}
