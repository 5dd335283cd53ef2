import { assertEquals, assertMatch } from "@std/assert";
import { runToEnd } from "../testing/ended_program.ts";
import { freePort } from "../testing/free_port.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { startServer } from "../testing/tunnel.ts";

Deno.test("tunnel-client doctor ends with 0 where nothing needs a hand, and shows a table", async () => {
  await using folder = await TempDir.make();
  await using server = await startServer();
  const args = ["doctor", server.url.origin, "--size", "1mb", "--key", `${folder.path}/key.pem`];
  const { code, stdout, stderr } = await runToEnd("client.ts", args);
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^http:\/\/\S+\n✓ name /);
  assertMatch(stdout, /\n✓ large upload {3}1 MB, .*\/s\nNothing needs a hand\.\n$/);
});

Deno.test("tunnel-client doctor ends with 1 where something does, and writes JSON when asked", async () => {
  await using folder = await TempDir.make();
  const server = `http://127.0.0.1:${freePort()}`;
  const args = ["doctor", "--json", "--key", `${folder.path}/key.pem`];
  const env = { TUNNEL_SERVER: server };
  const { code, stdout, stderr } = await runToEnd("client.ts", args, { env });
  assertEquals([code, stderr], [1, ""]);
  const { findings, ...rest } = JSON.parse(stdout);
  assertEquals(rest, { server, ok: false });
  assertEquals(findings.at(-1).text, "nothing listens there");
});

Deno.test("the help of tunnel-client names its doctor, which has a help of its own", async () => {
  const help = await runToEnd("client.ts", ["--help"]);
  assertMatch(help.stdout, /\n {7}.*client\.ts doctor \[server\] \[flags\]\n/);
  const own = await runToEnd("client.ts", ["doctor", "--help"]);
  assertMatch(own.stdout, /\nUsage: .*client\.ts doctor \[server\] \[flags\]\n/);
  assertMatch(own.stdout, /\n {2}--long /);
  const wrong = await runToEnd("client.ts", ["doctor", "--sice", "1mb"]);
  assertEquals(wrong.code, 2);
  assertMatch(wrong.stderr, /unknown flag --sice; did you mean --size\?/);
});

Deno.test("tunnel-server doctor takes the server's flags, and ends with 1 where something needs a hand", async () => {
  const place = ["--hostname", "127.0.0.1", "--port", `${freePort()}`];
  const good = await runToEnd("server.ts", ["doctor", ...place, "--domain", "tunnel.localhost"]);
  assertMatch(good.stdout, /^tunnel\.localhost\n– name /);
  // The program's own permissions are enough for it.
  assertMatch(good.stdout, /\n[✓✗] descriptors +\S+ files and connections at once/);
  assertMatch(good.stdout, /\n✓ visitors +what they claim .*\n[^]* needs? a hand\.\n$/);
  const bad = await runToEnd("server.ts", [
    ...["doctor", "--json", ...place],
    ...["--bus", `redis://127.0.0.1:${freePort()}`],
  ]);
  assertEquals([bad.code, bad.stderr], [1, ""]);
  const { server, ok, findings } = JSON.parse(bad.stdout);
  assertEquals([server, ok], ["localhost", false]);
  const redis = findings.find(({ check }: { readonly check: string }) => check === "Redis");
  assertEquals(redis.verdict, "wrong");
});

Deno.test("the help of tunnel-server names its doctor, which has the server's flags and its own", async () => {
  const help = await runToEnd("server.ts", ["--help"]);
  assertMatch(help.stdout, /\n {7}.*server\.ts doctor \[flags\]\n/);
  const own = await runToEnd("server.ts", ["doctor", "--help"]);
  assertMatch(own.stdout, /\n {2}--json /);
  assertMatch(own.stdout, /\n {2}--trust-proxy /);
  const wrong = await runToEnd("server.ts", ["doctor", "--portt", "1"]);
  assertEquals(wrong.code, 2);
  assertMatch(wrong.stderr, /unknown flag --portt; did you mean --port\?/);
});
