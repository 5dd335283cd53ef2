import { assert, assertEquals, assertLess } from "@std/assert";
import { serve, type Tunnel, type TunnelEvent } from "../../lib/mod.ts";
import { TunnelServer } from "../../lib/server/mod.ts";
import { freePort } from "../testing/free_port.ts";
import { Link } from "../testing/link.ts";
import { Pattern } from "../testing/pattern.ts";
import { Program } from "../testing/program.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { within } from "../testing/within.ts";

const MIB = 1024 * 1024;

/** Bytes of a body that nobody reads. */
const STALLED_LENGTH = 200 * MIB;

/** Bytes that may lie on the way: a window of 16 MiB, and what the sockets in a row buffer. */
const MAX_ON_THE_WAY = 40 * MIB;

Deno.test("A visitor who reads nothing of an answer holds its handler back, and nobody else", async () => {
  const pattern = new Pattern();
  let given = 0;
  await using server = startServer();
  await using tunnel = await serve({ server: server.url }, ({ url }) => {
    if (!url.endsWith("/stalled")) return new Response("at once");
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        if (given === STALLED_LENGTH) return controller.close();
        const piece = pattern.at(given, Math.min(MIB, STALLED_LENGTH - given)).slice();
        given += piece.length;
        controller.enqueue(piece);
      },
    }, { highWaterMark: 0 });
    return new Response(body, { headers: { "content-length": `${STALLED_LENGTH}` } });
  });
  using visitor = await RawHTTP.open(server.port);
  await visitor.send(`GET /stalled HTTP/1.1\r\nHost: ${new URL(tunnel.url).host}\r\n\r\n`);
  const { body } = await visitor.receive();
  await asksAround(tunnel);
  const before = given;
  await asksAround(tunnel);
  assertLess(given, MAX_ON_THE_WAY, `${before} bytes, then ${given}`);
  let length = 0;
  for (let piece = await body.read(); piece !== null; piece = await body.read()) {
    assert(pattern.matches(length, piece));
    length += piece.length;
  }
  assertEquals(length, STALLED_LENGTH);
});

Deno.test("A handler that reads nothing of an upload holds its visitor back, and nobody else", async () => {
  const pattern = new Pattern();
  const stalled = Promise.withResolvers<Request>();
  const answer = Promise.withResolvers<Response>();
  await using server = startServer();
  await using tunnel = await serve({ server: server.url }, (request) => {
    if (!request.url.endsWith("/stalled")) return new Response("at once");
    stalled.resolve(request);
    return answer.promise;
  });
  using visitor = await RawHTTP.open(server.port);
  await visitor.send(
    `PUT /stalled HTTP/1.1\r\nHost: ${new URL(tunnel.url).host}\r\n` +
      `Content-Length: ${STALLED_LENGTH}\r\n\r\n`,
  );
  let sent = 0;
  const sending = (async () => {
    for (const piece of pattern.pieces(STALLED_LENGTH)) {
      await visitor.send(piece);
      sent += piece.length;
    }
  })();
  const { body } = await within(stalled.promise, "the head of an upload");
  await asksAround(tunnel);
  assertLess(sent, MAX_ON_THE_WAY);
  let length = 0;
  for await (const piece of body ?? []) {
    assert(pattern.matches(length, piece));
    length += piece.length;
  }
  await sending;
  answer.resolve(new Response(`${length}`));
  assertEquals((await visitor.receiveAll("PUT")).text, `${STALLED_LENGTH}`);
});

Deno.test("A tunnel is where it was when its server is started anew, and tells of it", async () => {
  const port = freePort();
  const first = startServer(port);
  await using tunnel = await serve({ server: first.url, connections: 1 }, () => new Response("ok"));
  const { url, id } = tunnel;
  const events = tunnel[Symbol.asyncIterator]();
  await first.shutdown();
  assertEquals((await nextOf(events, "offline")).server, url);
  await using _second = startServer(port);
  await nextOf(events, "online");
  assertEquals([tunnel.state, tunnel.url, tunnel.id], ["online", url, id]);
  assertEquals(await textAt(tunnel), "ok");
});

Deno.test("A tunnel comes back when its connection was cut", async () => {
  await using server = startServer();
  await using link = Link.start(server.port);
  await using tunnel = await serve({ server: link.url, connections: 1 }, () => new Response("ok"));
  const events = tunnel[Symbol.asyncIterator]();
  link.cut();
  await nextOf(events, "offline");
  await nextOf(events, "online");
  assertEquals(await textAt({ url: server.url }), "ok");
});

Deno.test("A server that stops lets a handler's answer finish", async () => {
  const server = startServer();
  const rest = Promise.withResolvers<string>();
  await using tunnel = await serve({ server: server.url }, () => {
    async function* pieces(): AsyncGenerator<string> {
      yield "begun ";
      yield await rest.promise;
    }
    return new Response(ReadableStream.from(pieces()).pipeThrough(new TextEncoderStream()));
  });
  const { body } = await fetch(tunnel.url);
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  assertEquals((await reader?.read())?.value, "begun ");
  const stopping = server.shutdown();
  rest.resolve("and ended");
  assertEquals([(await reader?.read())?.value, (await reader?.read())?.done], ["and ended", true]);
  await within(stopping, "the end of a server");
});

Deno.test("10,000 requests through a handler, and a gigabyte each way, leave its process as large as it was", async (t) => {
  const GIB = 1024 * MIB;
  const pattern = new Pattern();
  await using server = await Program.start("server.ts", ["--port", "0", "--fixed"]);
  const env = { TUNNEL_SERVER: `http://127.0.0.1:${server.url.port}` };
  await using handler = await Program.start("tests/e2e/bodies_handler.ts", [], { env });
  const url = `http://127.0.0.1:${server.url.port}`;
  // V8's heap has the size that this takes by then.
  await ask(url, 10_000);
  const before = await handler.memory();
  if (before === null) return;

  await t.step("10,000 requests", async () => {
    await ask(url, 10_000);
    const after = await handler.memory();
    // V8's heap goes up and down by half of that between two collections.
    assertLess((after?.now ?? 0) - before.now, 40 * MIB);
  });
  await t.step("a gigabyte each way", async () => {
    using visitor = await RawHTTP.open(Number(server.url.port));
    await visitor.send(`PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${GIB}\r\n\r\n`);
    for (const piece of pattern.pieces(GIB)) await visitor.send(piece);
    assertEquals((await visitor.receiveAll("PUT")).text, `${GIB}`);
    await visitor.send(`GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const { body } = await visitor.receive();
    let length = 0;
    for (let piece = await body.read(); piece !== null; piece = await body.read()) {
      assert(pattern.matches(length, piece));
      length += piece.length;
    }
    assertEquals(length, GIB);
    const after = await handler.memory();
    // Windows of 16 MiB are buffered and collected meanwhile; bodies that are kept would be 1,024 MiB each.
    assertLess(after?.peak ?? 0, 400 * MIB);
  });
});

/** Asks for small pages, some at once. */
async function ask(url: string, count: number): Promise<void> {
  let left = count;
  const visitors = Array.from({ length: 16 }, async () => {
    while (left-- > 0) assertEquals(await textAt({ url }), "ok");
  });
  await Promise.all(visitors);
}

/** Finds that the tunnel still serves others. */
async function asksAround(tunnel: Tunnel): Promise<void> {
  for (let i = 0; i < 20; i++) assertEquals(await textAt(tunnel), "at once");
}

async function textAt({ url }: Pick<Tunnel, "url">): Promise<string> {
  return await (await fetch(url)).text();
}

/** Waits for the next event of a type. */
async function nextOf<Type extends TunnelEvent["type"]>(
  events: AsyncIterator<TunnelEvent>,
  type: Type,
): Promise<Extract<TunnelEvent, { readonly type: Type }>> {
  for (;;) {
    const { value } = await within(events.next(), `the event ${type}`);
    if (value === undefined) throw new Error(`the tunnel was closed before ${type}`);
    if (isOf(value, type)) return value;
  }
}

function isOf<Type extends TunnelEvent["type"]>(
  event: TunnelEvent,
  type: Type,
): event is Extract<TunnelEvent, { readonly type: Type }> {
  return event.type === type;
}

/** Starts a server whose one tunnel is at its own URL, which every system can look up. */
function startServer(port = 0): TunnelServer {
  return new TunnelServer({ port, hostname: "127.0.0.1", fixed: true });
}
