import { assert, assertEquals, assertGreater, assertLess, assertRejects } from "@std/assert";
import type { BodyReader } from "../testing/body_reader.ts";
import type { ScriptedExchange } from "../testing/scripted_exchange.ts";
import { Pattern } from "../testing/pattern.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { startTunnel, type Tunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Bytes of a body that nobody reads. */
const STALLED_LENGTH = 500 * MIB;

/** Bytes that may lie on the way: a window of 16 MiB, and what the sockets in a row buffer. */
const MAX_ON_THE_WAY = 32 * MIB;

/** Bytes of a file that others fetch meanwhile. */
const FILE_LENGTH = 20 * MIB;

Deno.test("a visitor that reads nothing of a 500 MB answer holds its origin back and nobody else", async () => {
  const pattern = new Pattern();
  let written = 0;
  await using origin = ScriptedOrigin.start(async (exchange) => {
    if (exchange.target !== "/stalled") return await serveOthers(exchange, pattern);
    await exchange.write(`HTTP/1.1 200 OK\r\nContent-Length: ${STALLED_LENGTH}\r\n\r\n`);
    for (const piece of pattern.pieces(STALLED_LENGTH)) {
      await exchange.write(piece);
      written += piece.length;
    }
  });
  await using tunnel = await startTunnel({ origin });
  using stalled = await tunnel.open();
  await stalled.send(tunnel.write("/stalled"));
  const { body } = await stalled.receive();

  await assertOthersGoOn(tunnel, pattern);
  assertLess(written, MAX_ON_THE_WAY);
  // Once it reads on, all of it is there, in order.
  await assertContinues(body, pattern);
});

Deno.test("an origin that reads nothing of a 500 MB upload holds its visitor back and nobody else", async () => {
  const pattern = new Pattern();
  const stalled = Promise.withResolvers<ScriptedExchange>();
  await using origin = ScriptedOrigin.start(async (exchange) => {
    if (exchange.target === "/stalled") stalled.resolve(exchange);
    else await serveOthers(exchange, pattern);
  });
  await using tunnel = await startTunnel({ origin });
  using visitor = await tunnel.open();
  let sent = 0;
  const send = async () => {
    await visitor.send(
      `PUT /stalled HTTP/1.1\r\nHost: ${tunnel.host}\r\nContent-Length: ${STALLED_LENGTH}\r\n\r\n`,
    );
    for (const piece of pattern.pieces(STALLED_LENGTH)) {
      await visitor.send(piece);
      sent += piece.length;
    }
  };
  // Its connection is closed in the middle of the upload.
  const sending = assertRejects(send);
  const { body } = await within(stalled.promise, "the head of the upload");

  await assertOthersGoOn(tunnel, pattern);
  assertLess(sent, MAX_ON_THE_WAY);
  await assertContinues(body, pattern);
  visitor.close();
  await sending;
});

Deno.test("A gigabyte each way passes with both processes under 200 MB of memory", async (t) => {
  const MAX_MEMORY = 200_000_000;
  const pattern = new Pattern();
  const check = checkWith(pattern);
  await using origin = ScriptedOrigin.start(async (exchange) => {
    if (exchange.method === "PUT") {
      const length = await exchange.body.forEach(check);
      assertEquals(length, GIB);
      return await exchange.answer(OK);
    }
    await exchange.write(`HTTP/1.1 200 OK\r\nContent-Length: ${GIB}\r\n\r\n`);
    for (const piece of pattern.pieces(GIB)) await exchange.write(piece);
    exchange.done();
  });
  await using tunnel = await startTunnel({ origin });
  const checkMemory = async () => {
    for (const program of [tunnel.server, tunnel.client]) {
      const memory = await program.memory();
      if (memory !== null) assertLess(memory.peak, MAX_MEMORY);
    }
  };

  await t.step("down", async () => {
    using visitor = await tunnel.open();
    await visitor.send(tunnel.write("/"));
    const { body } = await visitor.receive();
    assertEquals(await body.forEach(check), GIB);
    await checkMemory();
  });
  await t.step("up", async () => {
    using visitor = await tunnel.open();
    await visitor.send(
      `PUT / HTTP/1.1\r\nHost: ${tunnel.host}\r\nContent-Length: ${GIB}\r\n\r\n`,
    );
    for (const piece of pattern.pieces(GIB)) await visitor.send(piece);
    assertEquals((await visitor.receiveAll()).text, "ok");
    await checkMemory();
  });
});

/** Answers `/small`, and everything else with a file. */
async function serveOthers(exchange: ScriptedExchange, pattern: Pattern): Promise<void> {
  if (exchange.target === "/small") return await exchange.answer(OK);
  await exchange.write(`HTTP/1.1 200 OK\r\nContent-Length: ${FILE_LENGTH}\r\n\r\n`);
  for (const piece of pattern.pieces(FILE_LENGTH)) await exchange.write(piece);
  exchange.done();
}

/** Sends small requests and downloads files: time enough for a stalled exchange to fill whatever it can. */
async function assertOthersGoOn(tunnel: Tunnel, pattern: Pattern): Promise<void> {
  for (let round = 0; round < 5; round++) {
    using visitor = await tunnel.open();
    for (let i = 0; i < 20; i++) {
      assertEquals((await visitor.exchange(tunnel.write("/small"))).text, "ok");
    }
    await visitor.send(tunnel.write("/file"));
    const { body } = await visitor.receive();
    assertEquals(await body.forEach(checkWith(pattern)), FILE_LENGTH);
  }
}

/** Reads from the beginning and far beyond what was on the way. */
async function assertContinues(body: BodyReader, pattern: Pattern): Promise<void> {
  const check = checkWith(pattern);
  for (let offset = 0; offset < 3 * MAX_ON_THE_WAY;) {
    const bytes = await body.read() ?? new Uint8Array();
    assertGreater(bytes.length, 0, `an end after ${offset} bytes`);
    check(bytes, offset);
    offset += bytes.length;
  }
}

function checkWith(pattern: Pattern): (bytes: Uint8Array, offset: number) => void {
  return (bytes, offset) =>
    assert(pattern.matches(offset, bytes), `wrong bytes behind offset ${offset}`);
}
