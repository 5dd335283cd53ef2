import { assertEquals } from "@std/assert";
import { FrameFlag, FrameType } from "../../lib/wire/frame.ts";
import { BusMemory, MemoryBus } from "../../lib/server/bus/memory_bus.ts";
import { toText } from "../testing/latin1.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { ScriptedServer } from "../testing/scripted_server.ts";
import { openingOf } from "../testing/frame_peer.ts";
import { Subscriber } from "../testing/subscriber.ts";
import { TestClient, TestNode } from "../testing/test_node.ts";
import { startClient, startServer, startTunnel } from "../testing/tunnel.ts";

const OWN = ["--listener", "own"];
const HEAD = "200\r\n";
const FINE = "HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nok";

Deno.test("The own listener passes on what is beside heads and bodies", async (t) => {
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTunnel({ origin, serverArgs: OWN });

  await t.step("a reason phrase", async () => {
    for (const phrase of ["Fine", "Caf\xe9 ouvert", "x".repeat(256)]) {
      const [answer] = await Promise.all([
        tunnel.request("/"),
        origin.next().then((exchange) => exchange.answer(FINE.replace("Fine", phrase))),
      ]);
      assertEquals(answer.head.startLine, `HTTP/1.1 200 ${phrase}`);
    }
  });
  await t.step(
    "the usual one in place of none, of one that no status line has, and of an endless one",
    async () => {
      for (const phrase of ["", "O\0K", "x".repeat(257)]) {
        const [answer] = await Promise.all([
          tunnel.request("/"),
          origin.next().then((exchange) => exchange.answer(FINE.replace("Fine", phrase))),
        ]);
        assertEquals(answer.head.startLine, "HTTP/1.1 200 OK");
      }
    },
  );
});

Deno.test("What is beside heads and bodies passes from node to node", async (t) => {
  const memory = new BusMemory();
  await using near = TestNode.start({ bus: new MemoryBus(memory), args: OWN });
  await using far = TestNode.start({ bus: new MemoryBus(memory), args: OWN });
  await using origin = ScriptedOrigin.start();
  await using client = await TestClient.connect([far], { origin });

  await t.step("a reason phrase", async () => {
    const [answer] = await Promise.all([
      near.get(client.host),
      origin.next().then((exchange) => exchange.answer(FINE)),
    ]);
    assertEquals(answer.head.startLine, "HTTP/1.1 200 Fine");
  });
});

Deno.test("Peers without the features send no frame of them, and get none", async (t) => {
  await t.step("a client of before, which sends a reason phrase all the same", async () => {
    await using server = await startServer(OWN);
    using client = await Subscriber.register(server, { features: [] });
    using visitor = await RawHTTP.open(Number(server.url.port));
    await visitor.send(`GET / HTTP/1.1\r\nHost: ${client.host}\r\n\r\n`);
    const { stream } = await client.frames.next(FrameType.HTTPRequest);
    client.frames.send(FrameType.ReasonPhrase, { stream, payload: "Fine" });
    client.frames.send(FrameType.HTTPResponse, {
      stream,
      payload: HEAD,
      flags: FrameFlag.EndStream,
    });
    assertEquals((await visitor.receiveAll()).head.startLine, "HTTP/1.1 200 OK");
  });
  await t.step("a server of before", async () => {
    await using server = await ScriptedServer.start();
    await using origin = ScriptedOrigin.answering(FINE);
    const [peer, program] = await Promise.all([
      server.nextRegistered(),
      startClient(server.port, origin),
    ]);
    await using _ = program;
    peer.send(FrameType.HTTPRequest, {
      stream: 1,
      payload: openingOf(1000),
      flags: FrameFlag.EndStream,
    });
    const { payload } = await peer.next(FrameType.HTTPResponse);
    assertEquals(toText(payload), "200\r\ncontent-length: 2\r\n");
  });
});
