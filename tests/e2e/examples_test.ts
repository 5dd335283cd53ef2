import { assertEquals, assertMatch } from "@std/assert";
import { AutoRouter, type IRequest } from "itty-router";
import { serve } from "../../lib/mod.ts";
import { TunnelServer } from "../../lib/server/mod.ts";
import { Program } from "../testing/program.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { openWebSocket } from "../testing/websocket_peer.ts";
import { within } from "../testing/within.ts";

// webhook_test.ts is a test itself.
import "../../.github/examples/webhook_test.ts";

Deno.test("The example hello answers visitors", async () => {
  await using example = await Example.start("hello");
  assertEquals(await example.text("/page"), "Hello, 127.0.0.1: you asked for /page\n");
});

Deno.test("The example hono answers, and has a WebSocket", async () => {
  await using example = await Example.start("hono");
  assertEquals(await example.text("/"), "an app of Hono");
  assertEquals(await example.text("/users/ann"), '{"name":"ann"}');
  assertEquals((await example.get("/nothing")).status, 404);
  using visitor = await openWebSocket(`${example.url.replace("http", "ws")}/twice`);
  visitor.send("so");
  assertEquals(await visitor.next(), "so so");
  visitor.close(1000);
  assertEquals((await visitor.closed).code, 1000);
});

Deno.test("The example events sends one after the other, and hears that its visitor left", async () => {
  await using example = await Example.start("events");
  const response = await fetch(example.url);
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (let i = 0; i < 2; i++) {
    assertMatch((await reader?.read())?.value ?? "", /^event: time\ndata: \d{4}-\S+\n\n$/);
  }
  await reader?.cancel();
  await within(example.program.stderr.find(/a visitor left/), "the end of a visitor");
});

Deno.test("The example express answers through its port", async () => {
  await using example = await Example.start("express");
  assertEquals(await example.text("/"), `an app of Express at ${new URL(example.url).host}`);
});

Deno.test("The example service tells its health, and finishes what is in flight when it stops", async () => {
  await using example = await Example.start("service");
  assertEquals(await example.text("/health"), `{"state":"online","urls":["${example.url}"]}`);
  const { body } = await fetch(`${example.url}/slow`);
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  assertEquals((await reader?.read())?.value, "it takes ");
  const stopping = example.program.stop("SIGTERM");
  assertEquals([(await reader?.read())?.value, (await stopping).code], ["a while\n", 0]);
  assertEquals((await reader?.read())?.done, true);
});

Deno.test("A router of itty-router is published as it is", async () => {
  const router = AutoRouter();
  router.get("/users/:name", ({ params }: IRequest) => ({ name: params["name"] }));
  await using server = startServer();
  await using tunnel = await serve({ server: server.url }, router);
  assertEquals(await (await fetch(`${tunnel.url}/users/ann`)).json(), { name: "ann" });
  const missing = await fetch(`${tunnel.url}/nothing`);
  assertEquals(missing.status, 404);
  await missing.body?.cancel();
});

/** An example that runs, with a server of its own. */
class Example implements AsyncDisposable {
  readonly program: Program;
  readonly #owned: AsyncDisposableStack;

  private constructor(program: Program, owned: AsyncDisposableStack) {
    this.program = program;
    this.#owned = owned;
  }

  static async start(name: string): Promise<Example> {
    await using started = new AsyncDisposableStack();
    const folder = started.use(await TempDir.make());
    const server = started.use(startServer());
    const env = { TUNNEL_SERVER: server.url, TUNNEL_KEY: `${folder.path}/key.pem` };
    const program = await Program.start(`.github/examples/${name}.ts`, [], { env });
    return new Example(started.use(program), started.move());
  }

  get url(): string {
    return this.program.url.origin;
  }

  async get(target: string): Promise<Response> {
    const response = await fetch(this.url + target);
    return new Response(await response.text(), { status: response.status });
  }

  async text(target: string): Promise<string> {
    return await (await this.get(target)).text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

/** Starts a server whose one tunnel is at its own URL, which every system can look up. */
function startServer(): TunnelServer {
  return new TunnelServer({ port: 0, hostname: "127.0.0.1", fixed: true });
}
