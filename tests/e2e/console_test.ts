import { assert, assertEquals, assertMatch } from "@std/assert";
import { eventually } from "../testing/eventually.ts";
import { freePort } from "../testing/free_port.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { hasTerminals, Program } from "../testing/program.ts";
import { startServer, startTunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";
import { RawHTTP } from "../testing/raw_http.ts";

/** What Deno itself writes to a terminal while it loads a program. */
// deno-lint-ignore no-control-regex
const CONTROL = /\x1b\[[0-9;]*[A-Za-z]/g;

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** What stands behind the target, as far as there is room for it. */
const RIGHT_OF_TARGET: readonly (readonly [columns: number, pattern: string])[] = [
  [50, " +200 +(<1|\\d+) ms$"],
  [80, " +200 +(<1|\\d+) ms +2 B$"],
  [120, " +200 +(<1|\\d+) ms +2 B$"],
];

for (const [columns, right] of RIGHT_OF_TARGET) {
  Deno.test(
    `A terminal of ${columns} columns shows the URL, the service, the inspector and a line a request`,
    { ignore: !hasTerminals },
    async () => {
      await using origin = ScriptedOrigin.answering(OK);
      await using server = await startServer();
      const args = [`127.0.0.1:${origin.port}`, "--server", server.url.origin];
      await using client = await Program.start("client.ts", args, { columns });
      const { url } = client;
      const shows = async (pattern: RegExp) =>
        assert(await within(client.stdout.find(pattern), `${pattern}`) !== null);
      await shows(new RegExp(`→ http://127\\.0\\.0\\.1:${origin.port} \\(answers\\)`));
      await shows(/inspect http:\/\/127\.0\.0\.1:\d+/);
      await shows(/This address works on this/);
      await visit(server.url, url, "GET /shop?item=1");
      await shows(new RegExp(`^\\d\\d:\\d\\d:\\d\\d {2}GET {5}/shop\\?item=1${right}`));
      await visit(server.url, url, `GET /${"long-".repeat(50)}`);
      await shows(new RegExp(`^\\d\\d:\\d\\d:\\d\\d {2}GET {5}/long\\S*…\\S*ng-${right}`));
      for (const line of client.stdout.all) {
        const seen = line.replaceAll(CONTROL, "");
        // The URL stays whole, so that it can be copied.
        assert(seen.length <= columns || seen === url.origin, seen);
      }
    },
  );
}

Deno.test(
  "A terminal tells once that the service is gone, and that it is back",
  { ignore: !hasTerminals },
  async () => {
    const port = freePort();
    await using server = await startServer();
    const args = [`127.0.0.1:${port}`, "--server", server.url.origin];
    await using client = await Program.start("client.ts", args, { columns: 100 });
    const { url } = client;
    const shows = async (pattern: RegExp) =>
      assert(await within(client.stdout.find(pattern), `${pattern}`) !== null);
    await shows(/\(nothing listens there yet\)/);
    for (let i = 0; i < 3; i++) await visit(server.url, url, "GET /");
    await shows(/GET {5}\/ +502/);
    {
      using _service = Deno.listen({ hostname: "127.0.0.1", port });
      await shows(/127\.0\.0\.1:\d+ answers$/);
    }
    for (let i = 0; i < 3; i++) await visit(server.url, url, "GET /again");
    await shows(/! nothing listens at 127\.0\.0\.1:\d+ any more: visitors get 502$/);
    using _service = Deno.listen({ hostname: "127.0.0.1", port });
    await shows(/127\.0\.0\.1:\d+ answers again$/);
    const told = client.stdout.all.filter((line) => line.includes("any more"));
    assertEquals(told.length, 1, told.join("\n"));
  },
);

Deno.test("With --log-format json each request is a line for programs, and the URL stays alone on stdout", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin, clientArgs: ["--log-format", "json"] });
  await tunnel.request("/shop");
  const events = () =>
    tunnel.client.stderr.all.map((line) => JSON.parse(line)).filter((event) =>
      event.event === "request"
    );
  await eventually("the request's line", () => events().length === 1);
  const [{ method, target, status, state, kind, bytes, level }] = events();
  assertEquals([method, target, status, state, kind, bytes, level], [
    ...["GET", "/shop", 200, "complete", "http", 2, "info"],
  ]);
  assertEquals(tunnel.client.stdout.all.length, 1);
});

Deno.test("In a pipe of text there is no line for a request", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  await tunnel.request("/shop");
  await tunnel.client.stop();
  for (const line of tunnel.client.stderr.all) {
    assert(!line.includes("/shop"), line);
    assertMatch(line, /^\d\d:\d\d:\d\d /);
  }
});

async function visit(server: URL, url: URL, start: string): Promise<void> {
  using visitor = await RawHTTP.open(Number(server.port));
  await visitor.exchange(`${start} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`);
}
