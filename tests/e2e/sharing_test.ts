import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { runToEnd } from "../testing/ended_program.ts";
import { Program } from "../testing/program.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { startServer, startTunnel, Tunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";

/** Requests of a round: enough for each connection of two clients to have several. */
const ROUND = 40;

Deno.test("Two clients with one key share the requests, and the loss of one is invisible", async (t) => {
  await using left = answering("left");
  await using right = answering("right");
  await using server = await startServer();
  await using folder = await TempDir.make();
  const clientArgs = ["--key", `${folder.path}/key.pem`];
  await using first = await startTunnel({ origin: left, server, clientArgs });
  await using second = await startTunnel({ origin: right, server, clientArgs });
  assertEquals(first.url, second.url);

  await t.step("one after the other", async () => {
    const seen: string[] = [];
    for (let i = 0; i < ROUND; i++) seen.push(await ask(first));
    assertShared(seen);
  });
  await t.step("at once", async () => {
    assertShared(await Promise.all(Array.from({ length: ROUND }, () => ask(first))));
  });
  await t.step("after one was killed", async () => {
    await first.client.stop("SIGKILL");
    for (let i = 0; i < ROUND; i++) assertEquals(await ask(second), "right");
  });
  await t.step("and one that comes in its place", async () => {
    await using third = await startTunnel({ origin: left, server, clientArgs });
    const seen: string[] = [];
    for (let i = 0; i < ROUND; i++) seen.push(await ask(third));
    assertShared(seen);
    // Told to stop, it takes nothing with it either.
    third.client.signal("SIGTERM");
    const rest = await Promise.all(Array.from({ length: ROUND }, () => ask(second)));
    assertEquals(rest.filter((each) => each !== "left" && each !== "right"), []);
    await within(third.client.status, "the client's end");
  });
});

Deno.test("Two clients with one key and different services both say so and name --label, until one leaves", async () => {
  await using left = answering("left");
  await using right = answering("right");
  await using server = await startServer();
  await using folder = await TempDir.make();
  const clientArgs = ["--key", `${folder.path}/key.pem`];
  await using first = await startTunnel({ origin: left, server, clientArgs });
  await using second = await startTunnel({ origin: right, server, clientArgs });
  const warning =
    /2 clients with this key .* and 1 of the others serves something else: .*--label$/;
  for (const { client } of [first, second]) {
    await within(client.stderr.find(warning), "a word of the other client");
  }
  await second.client.stop();
  const alone = /no other client shares this tunnel at http:\S+ any more$/;
  await within(first.client.stderr.find(alone), "a word of the other's end");
  await using third = await startTunnel({ origin: left, server, clientArgs });
  const shared = /2 clients share this tunnel at http:\S+: requests are spread over them$/;
  for (const { client } of [first, third]) {
    await within(client.stderr.find(shared), "a word of a client that serves the same");
  }
  assertEquals([...`${third.client.stderr}`.matchAll(/clients/g)].length, 1, "it is told once");
});

Deno.test("Another key never joins, whatever label it has", async () => {
  await using own = answering("own");
  await using foreign = answering("foreign");
  await using server = await startServer();
  const clientArgs = ["--label", "blog"];
  await using tunnel = await startTunnel({ origin: own, server, clientArgs });
  await using other = await startTunnel({ origin: foreign, server, clientArgs });
  assertNotEquals(other.host, tunnel.host);
  for (let i = 0; i < ROUND; i++) {
    assertEquals([await ask(tunnel), await ask(other)], ["own", "foreign"]);
  }
});

Deno.test("A client of several servers prints each URL, and one server that stops leaves the others alone", async () => {
  await using origin = answering("here");
  await using stopping = await startServer();
  await using staying = await startServer();
  await using tunnel = await startTunnel({
    origin,
    server: stopping,
    clientArgs: ["--server", staying.url.origin],
  });
  const urls = [stopping, staying].map(({ url }) => `http://${tunnel.id}.localhost:${url.port}`);
  for (const url of urls) await within(tunnel.client.stdout.find(new RegExp(`^${url}$`)), url);
  assertEquals(tunnel.client.stdout.all.toSorted(), urls.toSorted());

  await using other = new Tunnel(staying, tunnel.client, new AsyncDisposableStack());
  const host = new URL(urls[1] ?? "").host;
  await stopping.stop("SIGTERM");
  for (let i = 0; i < ROUND; i++) {
    assertEquals((await other.request("/", { host })).text, "here");
  }
  const lost = tunnel.client.stderr.all.filter((line) => line.includes("not connected"));
  assert(!lost.some((line) => line.includes(staying.url.origin)), lost.join("\n"));
});

Deno.test("Clients connect to the port that is theirs, and visitors find nothing there", async (t) => {
  await using origin = answering("here");
  await using server = await startServer(["--client-port", "0"]);
  const found = await within(server.stderr.find(/a port of their own.*?"port":(\d+)/), "the port");
  const port = found?.[1] ?? "";
  assertEquals(server.stdout.all, [server.url.origin], "the port is told in the log alone");
  await using client = await Program.start("client.ts", [
    ...["--server", `http://localhost:${port}`, "--port", `${origin.port}`],
  ]);
  await using tunnel = new Tunnel(server, client, new AsyncDisposableStack());

  await t.step("the tunnel has the public port's URL", async () => {
    assertEquals(client.url.port, server.url.port);
    assertEquals(await ask(tunnel), "here");
  });
  await t.step("a client that takes the public port is told the other", async () => {
    const { status, text } = await tunnel.request("/proxy/subscribe", { host: server.url.host });
    assertEquals(status, 421);
    assert(text.includes(port), text);
    const { stderr } = await runToEnd("client.ts", [
      ...["--once", "--server", server.url.origin, "--port", `${origin.port}`],
    ]);
    const sentence = `status 421 (Clients of this server connect to its port ${port}.)`;
    assert(stderr.includes(sentence), stderr);
  });
  await t.step("the clients' port serves neither tunnels nor pages", async () => {
    for (const [target, host] of [["/", tunnel.host], ["/healthz", `localhost:${port}`]] as const) {
      const response = await fetch(`http://127.0.0.1:${port}${target}`, { headers: { host } });
      assertEquals(response.status, 404);
      await response.body?.cancel();
    }
  });
});

function answering(text: string): ScriptedOrigin {
  return ScriptedOrigin.answering(
    `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
  );
}

async function ask(tunnel: Tunnel): Promise<string> {
  const { status, text } = await tunnel.request("/");
  return status === 200 ? text : `${status} ${text}`;
}

/** Checks that each of the two origins answered its half, and that nobody else did. */
function assertShared(seen: readonly string[]): void {
  const left = seen.filter((text) => text === "left").length;
  const right = seen.filter((text) => text === "right").length;
  assertEquals(left + right, seen.length, seen.join(" "));
  assert(Math.abs(left - right) <= seen.length / 5, `${left} and ${right}`);
}
