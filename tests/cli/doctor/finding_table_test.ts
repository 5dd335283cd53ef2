import { assertEquals } from "@std/assert";
import { right, unknown, wrong } from "../../../lib/cli/doctor/finding.ts";
import { FindingTable } from "../../../lib/cli/doctor/finding_table.ts";

const EVENTS = wrong(
  "events",
  "arrive 14 s late, all at once",
  "A proxy on the way collects answers. nginx: proxy_buffering off; Caddy: flush_interval -1",
);

Deno.test("FindingTable writes a line for each finding as it comes, and what to do under a wrong one", () => {
  const lines: string[] = [];
  const table = new FindingTable({ json: false, write: (line) => lines.push(line) });
  table.head("https://tunnel.example.com");
  table.add(right("name", "tunnel.example.com → 203.0.113.7"));
  table.add(unknown("TLS", "none, on this machine itself"));
  assertEquals(lines.length, 3);
  table.add(EVENTS);
  assertEquals(table.end(), false);
  assertEquals(lines, [
    "https://tunnel.example.com",
    "✓ name           tunnel.example.com → 203.0.113.7",
    "– TLS            none, on this machine itself",
    "✗ events         arrive 14 s late, all at once",
    "                 A proxy on the way collects answers. nginx: proxy_buffering",
    "                 off; Caddy: flush_interval -1",
    "1 of 3 needs a hand.",
  ]);
});

Deno.test("FindingTable says that nothing is wrong, and counts what is", () => {
  const sums = [[right("a", "")], [right("a", ""), EVENTS, EVENTS]].map((findings) => {
    const lines: string[] = [];
    const table = new FindingTable({ json: false, write: (line) => lines.push(line) });
    for (const finding of findings) table.add(finding);
    return [table.end(), lines.at(-1)];
  });
  assertEquals(sums, [[true, "Nothing needs a hand."], [false, "2 of 3 need a hand."]]);
});

Deno.test("FindingTable writes one object of JSON where that is asked for", () => {
  const lines: string[] = [];
  const table = new FindingTable({ json: true, write: (line) => lines.push(line) });
  table.head("https://tunnel.example.com");
  table.add(EVENTS);
  table.end();
  assertEquals(lines.map((line) => JSON.parse(line)), [{
    server: "https://tunnel.example.com",
    ok: false,
    findings: [EVENTS],
  }]);
});

Deno.test("FindingTable lets nobody drive the terminal", () => {
  const lines: string[] = [];
  const table = new FindingTable({ json: false, write: (line) => lines.push(line) });
  table.add(right("TLS", "from \x1b[31mMallory\n"));
  assertEquals(lines, ["✓ TLS            from \\u001b[31mMallory\\u000a"]);
});
