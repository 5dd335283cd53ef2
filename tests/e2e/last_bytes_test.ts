import { assertEquals, assertRejects } from "@std/assert";
import { BusMemory, MemoryBus } from "../../lib/server/bus/memory_bus.ts";
import { FramingError } from "../testing/byte_reader.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { TestClient, TestNode } from "../testing/test_node.ts";
import { WebSocketOrigin } from "../testing/websocket_origin.ts";
import { openWebSocket, type WebSocketPeer } from "../testing/websocket_peer.ts";

/** What one side sends at once before it vanishes: more than one frame, less than any window. */
const PIECES = Array.from({ length: 20 }, (_, i) => `${i} ${"x".repeat(5_000)}`);
const WHOLE = PIECES.join("");

/** Times that each story is told: what is lost depends on which comes first. */
const TIMES = 5;

/** The same as the body of an answer in chunks. */
const CHUNKS = PIECES.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join("");

for (const [where, count] of [["at its own node", 1], ["at another node", 2]] as const) {
  Deno.test(`A visitor's last messages arrive when it vanishes, ${where}`, async () => {
    await using origin = await WebSocketOrigin.start();
    await using scene = await Scene.start(origin, count);
    for (let i = 0; i < TIMES; i++) {
      using visitor = await scene.openWebSocket();
      using accepted = (await origin.next()).peer;
      await sendAllAndVanish(visitor);
      assertEquals(await accepted.nextOf(PIECES.length), PIECES);
      assertEquals((await accepted.closed).code, 1006);
    }
  });

  Deno.test(`An origin's last messages arrive when it vanishes, ${where}`, async () => {
    await using origin = await WebSocketOrigin.start();
    await using scene = await Scene.start(origin, count);
    for (let i = 0; i < TIMES; i++) {
      using visitor = await scene.openWebSocket();
      using accepted = (await origin.next()).peer;
      await sendAllAndVanish(accepted);
      assertEquals(await visitor.nextOf(PIECES.length), PIECES);
      assertEquals((await visitor.closed).code, 1014);
    }
  });

  Deno.test(`What a visitor has sent of an upload arrives when it vanishes, and then the upload is cut, ${where}`, async () => {
    await using origin = ScriptedOrigin.start();
    await using scene = await Scene.start(origin, count);
    // Of a body in chunks Deno drops what it has not handed over when the visitor's connection ends.
    const head = `POST / HTTP/1.1\r\nHost: ${scene.host}\r\nContent-Length: 999999\r\n\r\n`;
    for (let i = 0; i < TIMES; i++) {
      const visitor = await scene.openHTTP();
      await visitor.send(`${head}${WHOLE}`);
      visitor.close();
      const exchange = await origin.next();
      assertEquals(await exchange.body.readText(WHOLE.length), WHOLE);
      const { code } = await assertRejects(() => exchange.body.readAll(), FramingError);
      assertEquals(code, "truncated");
    }
  });

  Deno.test(`What an origin has sent of an answer arrives when it vanishes, and then the answer is cut, ${where}`, async () => {
    const framings = [["Transfer-Encoding: chunked", CHUNKS], ["Content-Length: 999999", WHOLE]];
    let answer = "";
    await using origin = ScriptedOrigin.start(async (exchange) => {
      await exchange.write(answer);
      exchange.close();
    });
    await using scene = await Scene.start(origin, count);
    for (let i = 0; i < TIMES; i++) {
      for (const [framing, body] of framings) {
        answer = `HTTP/1.1 200 OK\r\n${framing}\r\n\r\n${body}`;
        using visitor = await scene.openHTTP();
        await visitor.send(`GET / HTTP/1.1\r\nHost: ${scene.host}\r\n\r\n`);
        const response = await visitor.receive();
        assertEquals(await response.body.readText(WHOLE.length), WHOLE);
        const { code } = await assertRejects(() => response.body.readAll(), FramingError);
        assertEquals(code, "truncated");
      }
    }
  });
}

async function sendAllAndVanish(peer: WebSocketPeer): Promise<void> {
  await Promise.all(PIECES.map((piece) => peer.sent(piece)));
  peer.vanish();
}

/** A tunnel whose client is at the first node, and visitors who come to the last. */
class Scene implements AsyncDisposable {
  readonly host: string;
  readonly #port: number;
  readonly #owned: AsyncDisposableStack;

  private constructor(host: string, port: number, owned: AsyncDisposableStack) {
    this.host = host;
    this.#port = port;
    this.#owned = owned;
  }

  static async start(origin: { readonly port: number }, count: number): Promise<Scene> {
    await using owned = new AsyncDisposableStack();
    const memory = new BusMemory();
    const nodes = Array.from(
      { length: count },
      () => owned.use(TestNode.start({ bus: new MemoryBus(memory) })),
    );
    const client = owned.use(await TestClient.connect(nodes.slice(0, 1), { origin }));
    return new Scene(client.host, nodes.at(-1)?.port ?? 0, owned.move());
  }

  openWebSocket(): Promise<WebSocketPeer> {
    return openWebSocket(`ws://127.0.0.1:${this.#port}/`, { headers: { host: this.host } });
  }

  openHTTP(): Promise<RawHTTP> {
    return RawHTTP.open(this.#port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}
