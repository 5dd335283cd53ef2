import ts from "typescript";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TunnelServer } from "../../lib/server/mod.ts";
import { freePort } from "../testing/free_port.ts";
import { isInstalled } from "../testing/front_proxy.ts";
import { Lines } from "../testing/lines.ts";
import { Pattern } from "../testing/pattern.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { openWebSocket } from "../testing/websocket_peer.ts";
import { within } from "../testing/within.ts";

const ROOT = new URL("../../", import.meta.url);

/** Bytes of an upload: some windows of a stream. */
const LENGTH = 3_000_000;

/** The runtimes that are tried, by their paths; those of RUNTIMES, with commas between, in place of the usual. */
const RUNTIMES = (Deno.env.get("RUNTIMES") ?? "node,bun").split(",");

for (const runtime of RUNTIMES) {
  const ignore = !await isInstalled(runtime);
  if (ignore) console.warn(`${runtime} is not on the PATH: the package is not tried on it`);
  Deno.test(
    { name: `The package for npm publishes a handler on ${runtime}, and has the program`, ignore },
    async (t) => {
      await using folder = await TempDir.make();
      await install(folder.path);
      const servers = [startServer(freePort())];
      await using _stopped = { [Symbol.asyncDispose]: async () => await servers.pop()?.shutdown() };
      const [server] = servers;
      assert(server !== undefined);
      await using handler = await Started.start(runtime, folder.path, [
        ...["--expose-gc", "handler.js", server.url],
      ]);
      const { url } = handler;

      await t.step("a page", async () => {
        assertEquals(await (await fetch(url)).text(), "hello, 127.0.0.1");
      });
      await t.step("an upload keeps its bytes", async () => {
        const pattern = new Pattern();
        const body = ReadableStream.from(pattern.pieces(LENGTH)).pipeThrough(copying());
        const response = await fetch(`${url}/upload`, { method: "PUT", body });
        assertEquals(await response.text(), pattern.sha256(LENGTH));
      });
      await t.step("an answer arrives piece by piece", async () => {
        const [first = ""] = await firstOf(`${url}/pieces`);
        assertEquals(first, "first");
        await within(handler.stderr.find(/cancelled/), "the end of the answer");
      });
      await t.step("an answer has the type of its blob", async () => {
        const { headers, body } = await fetch(`${url}/blob`);
        await body?.cancel();
        assertEquals(headers.get("content-type")?.slice(0, 8), "text/css");
      });
      await t.step("a WebSocket", async () => {
        using visitor = await openWebSocket(`${url.replace("http", "ws")}/socket`);
        const messages = ["text \u{1f980}", new Uint8Array([0xff, 0, 1]), ""];
        for (const message of messages) visitor.send(message);
        assertEquals(await visitor.nextOf(messages.length), messages);
        visitor.close(4000, "enough");
        assertEquals(await visitor.closed, { code: 4000, reason: "enough" });
      });
      await t.step(
        "the signal aborts when the visitor leaves, also after a collection",
        async () => {
          const leaving = new AbortController();
          const asked = fetch(`${url}/wait`, { signal: leaving.signal }).catch(() => null);
          await within(handler.stderr.find(/waiting/), "the request");
          leaving.abort();
          await asked;
          await within(handler.stderr.find(/the visitor left/), "the end of a visitor");
        },
      );
      await t.step("a handler that throws answers 500, and the tunnel lives on", async () => {
        const response = await fetch(`${url}/throw`);
        assertEquals([response.status, await response.text()], [
          500,
          "The service could not answer this request.\n",
        ]);
        assertEquals((await (await fetch(url)).text()).slice(0, 5), "hello");
      });
      await t.step("it comes back when its server is started anew", async () => {
        await servers.pop()?.shutdown();
        servers.push(startServer(Number(new URL(url).port)));
        await within(handler.stderr.find(/online again/), "the next server");
        assertEquals((await (await fetch(url)).text()).slice(0, 5), "hello");
      });
      await t.step("it is closed when it is told to stop", async () => {
        assertEquals(await handler.stop(), 0);
      });

      await Deno.writeTextFile(`${folder.path}/page.txt`, "a file");
      const call = [
        PROGRAM,
        "./",
        "--route",
        "/old=status:410",
        "--key",
        "key.pem",
        "--server",
        server.url,
        "--inspect",
        "127.0.0.1:0",
      ];
      await using program = await Started.start(runtime, folder.path, call);
      await t.step("its program publishes a folder and a route", async () => {
        assertEquals(await (await fetch(`${program.url}/page.txt`)).text(), "a file");
        const gone = await fetch(`${program.url}/old`);
        await gone.body?.cancel();
        assertEquals(gone.status, 410);
      });
      await t.step("its program has the inspector", async () => {
        const [, inspector = ""] = await program.stderr.find(/inspector at (http\S+)/) ?? [];
        const [event = ""] = await firstOf(`${inspector}/api/events`);
        assertStringIncludes(event, '"state":"online"');
        const replay = await fetch(`${inspector}/api/exchanges/1/replay`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: '{ "wait": true }',
        });
        const { exchanges: [replayed] } = await replay.json();
        assertEquals([replay.status, replayed.target, replayed.status], [201, "/page.txt", 200]);
      });
      await t.step("its program is stopped by a signal", async () => {
        assertEquals(await program.stop("SIGINT"), 0);
      });
      await t.step("its program refuses a wrong call in one line", async () => {
        const { code, stderr } = await new Deno.Command(runtime, {
          args: [PROGRAM, "--prot", "1"],
          cwd: folder.path,
        }).output();
        const line = "tunnel-client: unknown flag --prot; did you mean --port? (see ";
        assertEquals(code, 2);
        assertStringIncludes(new TextDecoder().decode(stderr), line);
      });
    },
  );
}

Deno.test("The types of the package for npm hold in strict TypeScript for Node", async () => {
  await using folder = await TempDir.make();
  await install(folder.path);
  const user = `${folder.path}/user.ts`;
  await Deno.copyFile(new URL("tests/e2e/npm_user.ts", ROOT), user);
  assertEquals(complaintsOf(user, ["lib.dom.d.ts", "lib.dom.iterable.d.ts"]), []);

  // Without the DOM's types it is Node's that must know what is left; those of Node 20 do.
  await Deno.writeTextFile(
    user,
    'export * from "@tunnel/tunnel"; export * from "@tunnel/tunnel/vite";',
  );
  const unknown = complaintsOf(user, []).map((text) => /'(\w+)'/.exec(text)?.[1]);
  const ofNode = [
    "AbortSignal",
    "Event",
    "EventTarget",
    "Request",
    "Response",
    "WebSocket",
    "crypto",
  ];
  assertEquals([...new Set(unknown)].sort(), ofNode);
});

/** Compiles a file as strictly as TypeScript can, and returns what it says. */
function complaintsOf(file: string, libs: readonly string[]): string[] {
  const program = ts.createProgram([file], {
    ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
    ...{ noEmit: true, target: ts.ScriptTarget.ES2022, types: [] },
    ...{ module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
    lib: ["lib.es2022.d.ts", "lib.esnext.disposable.d.ts", ...libs],
  });
  const found = ts.getPreEmitDiagnostics(program);
  return found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

/** The program of the package, as it lies in a folder. */
const PROGRAM = "node_modules/@tunnel/tunnel/tunnel-client.js";

/** Reads the first piece of an answer that goes on, and leaves. */
async function firstOf(url: string): Promise<string[]> {
  const { body } = await fetch(url);
  assert(body !== null);
  for await (const text of body.pipeThrough(new TextDecoderStream())) return [text];
  return [];
}

function startServer(port: number): TunnelServer {
  return new TunnelServer({ port, hostname: "127.0.0.1", fixed: true });
}

/** What made the package, once for all tests. */
let packed: Promise<string> | undefined;

/** Puts the package into a folder, as npm does: it depends on nothing. */
async function install(folder: string): Promise<void> {
  packed ??= run(Deno.execPath(), ["task", "--quiet", "package"]);
  await packed;
  const modules = `${folder}/node_modules`;
  await Deno.mkdir(`${modules}/@tunnel`, { recursive: true });
  await run("cp", ["-R", "dist/npm", `${modules}/@tunnel/tunnel`]);
  await Deno.writeTextFile(`${folder}/package.json`, '{ "type": "module" }');
  await Deno.copyFile(new URL("tests/e2e/npm_handler.js", ROOT), `${folder}/handler.js`);
}

async function run(command: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd: ROOT,
  }).output();
  if (!success) throw new Error(`${command} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** What runs on another runtime and prints its public URL. */
class Started implements AsyncDisposable {
  readonly url: string;
  readonly stderr: Lines;
  readonly #stdout: Lines;
  readonly #child: Deno.ChildProcess;
  #hasEnded = false;

  private constructor(url: string, child: Deno.ChildProcess, stdout: Lines, stderr: Lines) {
    this.url = url;
    this.stderr = stderr;
    this.#stdout = stdout;
    this.#child = child;
  }

  static async start(
    runtime: string,
    folder: string,
    args: readonly string[],
  ): Promise<Started> {
    const child = new Deno.Command(runtime, {
      args: [...args],
      cwd: folder,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const stdout = new Lines(child.stdout);
    const stderr = new Lines(child.stderr);
    const [url = ""] = await within(stdout.find(/^http\S+/), "the URL") ?? [];
    if (url === "") throw new Error(`it ended before it was ready: ${stderr}`);
    return new Started(url, child, stdout, stderr);
  }

  /** Tells it to stop, and returns its exit status. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<number> {
    if (!this.#hasEnded) this.#child.kill(signal);
    const { code } = await within(this.#child.status, "its end");
    this.#hasEnded = true;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    await Promise.all([this.#stdout.ended, this.stderr.ended]);
  }
}

/** What is enqueued is given away, and the pattern stays. */
function copying(): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  return new TransformStream({
    transform: (piece, controller) => controller.enqueue(piece.slice()),
  });
}
