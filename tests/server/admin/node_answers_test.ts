import { assertEquals } from "@std/assert";
import { NodeAnswer } from "../../../lib/server/admin/node_answers.ts";

const SINCE = "2027-01-31T12:00:00.000Z";
const BYTES = { received: 1, sent: 2 };
const TUNNEL = {
  ...{ id: "a", hostnames: ["a.test"], name: "", key: "key", comment: "", since: SINCE },
  ...{ clients: 1, streams: 0, bytes: BYTES, visits: { requests: 3, refused: 0 } },
  connections: [{ address: "192.0.2.1", since: SINCE, streams: 0, bytes: BYTES }],
};

Deno.test("NodeAnswer reads what a node says, and notes the node that has said it", () => {
  const part = { total: 5, tunnels: [{ ...TUNNEL, node: "another", more: 1 }], next: "a" };
  const answer = new NodeAnswer(JSON.stringify({ url: "http://10.0.0.7:6519", ...part }));
  assertEquals(answer.url, "http://10.0.0.7:6519");
  assertEquals(answer.tunnels("one"), { ...part, tunnels: [{ ...TUNNEL, node: "one" }] });
  assertEquals(new NodeAnswer('{"ended": 3}').ended, 3);
  assertEquals(new NodeAnswer('{"key": "k"}').key, "k");
});

Deno.test("NodeAnswer takes for nothing what no node says", async (t) => {
  for (const text of ["", "[]", "null", "{}", '{"ended":-1,"key":1,"url":"javascript:1"}']) {
    await t.step(text, () => {
      const answer = new NodeAnswer(text);
      assertEquals([answer.ended, answer.key, answer.url, answer.tunnels("one")], [
        ...[0, null, null, null],
      ]);
    });
  }
  const wrong: readonly object[] = [
    ...Object.keys(TUNNEL).map((member) => ({ ...TUNNEL, [member]: null })),
    { ...TUNNEL, hostnames: [1] },
    { ...TUNNEL, id: "x".repeat(2000) },
    { ...TUNNEL, since: "yesterday" },
    { ...TUNNEL, streams: 0.5 },
    { ...TUNNEL, bytes: { received: 1 } },
    { ...TUNNEL, visits: {} },
    { ...TUNNEL, connections: [{ ...TUNNEL.connections[0], address: 1 }] },
  ];
  for (const tunnel of wrong) {
    const answer = new NodeAnswer(JSON.stringify({ total: 1, tunnels: [tunnel], next: null }));
    assertEquals(answer.tunnels("one"), null, JSON.stringify(tunnel).slice(0, 200));
  }
});
