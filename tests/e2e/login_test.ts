import { assertEquals, assertStringIncludes } from "@std/assert";
import { runToEnd } from "../testing/ended_program.ts";
import { hasTerminals, inTerminal, Program } from "../testing/program.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { startServer, Tunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";

const TOKEN = "correct-horse-battery";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Deno.test("tunnel-client login remembers a server and its token, and what follows uses both", async (t) => {
  await using folder = await TempDir.make();
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await startServer(["--token", TOKEN]);
  const file = `${folder.path}/tunnel/config.yaml`;
  const env = { XDG_CONFIG_HOME: folder.path, APPDATA: folder.path };
  const login = ["login", server.url.origin];

  await t.step("a token that the server does not take is not written", async () => {
    const { code, stderr } = await runToEnd("client.ts", login, { env, input: "wrong\n" });
    assertEquals(code, 1);
    assertStringIncludes(stderr, `nothing is written: ${server.url.origin} refused`);
    assertEquals(await exists(file), false);
  });

  await t.step(
    "the token comes from standard input, and the file is the owner's alone",
    async () => {
      const { code, stderr } = await runToEnd("client.ts", login, { env, input: `${TOKEN}\n` });
      assertEquals(code, 0, stderr);
      const text = await Deno.readTextFile(file);
      assertEquals(text, `server: "${server.url.origin}"\ntoken: "${TOKEN}"\n`);
      const { mode } = await Deno.stat(file);
      if (mode !== null && Deno.build.os !== "windows") assertEquals(mode & 0o777, 0o600);
    },
  );

  await t.step(
    "tunnel-client needs neither --server nor --token any more, and warns when others can read them",
    async () => {
      await Deno.chmod(file, 0o644);
      await using client = await Program.start("client.ts", [`127.0.0.1:${origin.port}`], { env });
      await using tunnel = new Tunnel(server, client, new AsyncDisposableStack());
      assertEquals((await tunnel.request("/")).text, "ok");
      if (Deno.build.os === "windows") return;
      await within(client.stderr.find(/config\.yaml has a secret .* chmod 600/), "the warning");
    },
  );

  await t.step("a variable wins over the file, and a flag over the variable", async () => {
    const wrong = { ...env, TUNNEL_TOKEN: "another-token-of-theirs" };
    const args = ["--once", `127.0.0.1:${origin.port}`];
    const { code, stderr } = await runToEnd("client.ts", args, { env: wrong });
    assertEquals(code, 1);
    assertStringIncludes(stderr, "the server refused");
    await using _client = await Program.start("client.ts", [...args, "--token", TOKEN], {
      env: wrong,
    });
  });

  await t.step("a mistake in the file is told with its place", async () => {
    await Deno.writeTextFile(file, "server: a.example\nconections: 2\n");
    const { code, stderr } = await runToEnd("client.ts", ["3000"], { env });
    assertEquals(code, 2);
    assertStringIncludes(stderr, `${file}:2:1: there is no setting "conections" here`);
    assertStringIncludes(stderr, "did you mean connections?");
  });

  await t.step({
    name: "at a terminal the token is asked for, and not shown",
    ignore: !hasTerminals,
    fn: async () => {
      await Deno.writeTextFile(file, "# mine\nconnections: 1\n");
      const { stderr, stdout } = await typed([...login], {
        env,
        input: `wrong\x15${TOKEN}x\x7f\r`,
      });
      assertEquals(`${stdout}${stderr}`.includes(TOKEN), false, stdout);
      assertStringIncludes(stdout, `token of ${server.url.origin}`);
      const settings = `server: "${server.url.origin}"\ntoken: "${TOKEN}"\n`;
      assertEquals(await Deno.readTextFile(file), `# mine\n${settings}connections: 1\n`);
    },
  });
});

/** Runs the client in a terminal and types, once it asks. */
async function typed(
  args: readonly string[],
  { env, input }: { readonly env: Readonly<Record<string, string>>; readonly input: string },
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const call = [Deno.execPath(), "run", "--allow-all", "client.ts", ...args];
  const [command = "", ...words] = inTerminal(call, 100);
  const child = new Deno.Command(command, {
    args: words,
    cwd: new URL("../../", import.meta.url),
    env: { ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const decoder = new TextDecoder();
  let stdout = "";
  let isTyped = false;
  const writer = child.stdin.getWriter();
  for await (const bytes of child.stdout) {
    stdout += decoder.decode(bytes, { stream: true });
    if (isTyped || !stdout.includes("Enter for none")) continue;
    isTyped = true;
    await writer.write(new TextEncoder().encode(input));
  }
  await writer.close();
  const stderr = await new Response(child.stderr).text();
  await child.status;
  return { stdout, stderr };
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
