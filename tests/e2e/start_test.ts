import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { TunnelState } from "../../lib/client/inspector/exchange.ts";
import { runToEnd } from "../testing/ended_program.ts";
import { eventually } from "../testing/eventually.ts";
import { InspectorCalls } from "../testing/inspector_calls.ts";
import { Program } from "../testing/program.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { startServer, Tunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";

const NAMES = ["web", "api", "docs", "mail", "live"] as const;

function answering(text: string): ScriptedOrigin {
  return ScriptedOrigin.answering(
    `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
  );
}

Deno.test("tunnel-client start runs the tunnels of a config file in one process", async (t) => {
  await using folder = await TempDir.make();
  const file = `${folder.path}/config.yaml`;
  await using server = await startServer();
  await using origins = new AsyncDisposableStack();
  const services = NAMES.map((name) => origins.use(answering(name)));
  const lines = NAMES.map((name, i) => `  ${name}: 127.0.0.1:${services[i]?.port}\n`);
  await Deno.writeTextFile(file, `server: ${server.url.origin}\ntunnels:\n${lines.join("")}`);
  const args = ["start", "--config", file];

  await t.step("an unknown name is refused with those that there are", async () => {
    const { code, stderr } = await runToEnd("client.ts", [...args, "wep"]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, 'no tunnel "wep": there are web, api, docs, mail, live; did you');
  });

  await t.step("--print-unit prints a unit for the call, and starts nothing", async () => {
    const { code, stdout, stderr } = await runToEnd("client.ts", [...args, "api", "--print-unit"]);
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /^ExecStart=:\S+ run -A \S+client\.ts start --config \S+ api$/m);
  });

  await using client = await Program.start("client.ts", args);
  await eventually("five tunnels", () => client.stdout.all.length === NAMES.length);
  const urls = new Map(client.stderr.all.flatMap((line) => {
    const [, name = "", port] =
      /(\w+): connected to .*serving http:\/\/127\.0\.0\.1:(\d+)/.exec(line) ?? [];
    return port === undefined ? [] : [[name, Number(port)] as const];
  }));

  await t.step("each tunnel has a URL of its own, where its service answers", async () => {
    assertEquals([...urls.keys()].toSorted(), NAMES.toSorted());
    await using tunnel = new Tunnel(server, client, new AsyncDisposableStack());
    const answers: string[] = [];
    for (const url of client.stdout.all) {
      answers.push((await tunnel.request("/", { host: new URL(url).host })).text);
    }
    assertEquals(answers.toSorted(), NAMES.toSorted());
  });

  await t.step("the inspector has the requests of all, by tunnel", async () => {
    const calls = await InspectorCalls.of(client);
    assertEquals((await calls.list()).length, NAMES.length);
    const some = await calls.list("tunnel=web,live");
    assertEquals(some.map(({ tunnel }) => tunnel).toSorted(), ["live", "web"]);
    const [newest] = some;
    assert(newest !== undefined);
    const { exchanges: [again] } = await calls.replay(newest.id, { wait: true });
    assertEquals([again?.tunnel, again?.status], [newest.tunnel, 200]);
    const { servers } = await calls.json<TunnelState>(calls.fetch("/api/tunnel"));
    assertEquals(servers.map(({ tunnel }) => tunnel), [...NAMES]);
  });

  await t.step("all of them end with the process", async () => {
    const { code } = await client.stop();
    assertEquals(code, 0);
  });

  await t.step("those that are named run alone", async () => {
    await using some = await Program.start("client.ts", [...args, "api"]);
    assertEquals(some.stdout.all.length, 1);
    await within(some.stderr.find(/api: connected/), "the line that names it");
  });
});
