import { assert, assertEquals, assertMatch } from "@std/assert";
import { runToEnd } from "../testing/ended_program.ts";
import { Program } from "../testing/program.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { within } from "../testing/within.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const PUBLIC = ["--hostname", "127.0.0.1", "--port", "0", "--domain", "tunnel.example.test"];

Deno.test("A server with a name of the world's lets in only clients with the token that it made", async (t) => {
  await using folder = await TempDir.make();
  await using origin = ScriptedOrigin.answering(OK);
  const flags = [...PUBLIC, "--state", `${folder.path}/state`];
  const file = `${folder.path}/state/token`;

  await t.step("a log names the file, never the token", async () => {
    await using server = await Program.start("server.ts", flags);
    await within(server.stderr.find(/need the token/), "where the token is");
    const token = (await Deno.readTextFile(file)).trim();
    assert(server.stderr.all.some((line) => line.includes(file)), `${server.stderr}`);
    assert(![...server.stderr.all, ...server.stdout.all].some((line) => line.includes(token)));
    const to = ["--server", `http://127.0.0.1:${server.url.port}`, "--host", "127.0.0.1"];
    const refused = await runToEnd("client.ts", [...to, "--port", `${origin.port}`]);
    assertMatch(refused.stderr, /token/);
    assertEquals(refused.code, 1);
    await using _client = await Program.start("client.ts", [...to, "--port", `${origin.port}`], {
      env: { TUNNEL_TOKEN: token },
    });
  });

  await t.step("a folder that cannot be had ends it, with what to give", async () => {
    await Deno.writeTextFile(`${folder.path}/file`, "");
    const ended = await runToEnd("server.ts", [...PUBLIC, "--state", `${folder.path}/file`]);
    assertEquals([ended.code, ended.stdout], [2, ""]);
    assertMatch(ended.stderr, /cannot keep anything in .*--state, or whom to let in with --token/);
  });

  await t.step("--open is taken at its word", async () => {
    await using server = await Program.start("server.ts", [...PUBLIC, "--open"]);
    assertEquals(server.stderr.all.filter((line) => /everybody|token/.test(line)), []);
  });
});
