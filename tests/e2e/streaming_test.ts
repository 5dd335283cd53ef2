import { assertEquals } from "@std/assert";
import { FramingError } from "../testing/byte_reader.ts";
import type { ScriptedExchange } from "../testing/scripted_exchange.ts";
import { Pattern } from "../testing/pattern.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { startTunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Milliseconds in which an origin has to learn that its visitor left: a second, and what a busy machine adds. */
const CANCELLED_WITHIN = 5_000;

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

Deno.test("A request body reaches the origin as it arrives", async (t) => {
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTunnel({ origin });
  const pieces = ["first ", "second ", "third"];
  const length = pieces.join("").length;

  for (
    const [framing, frame, end] of [
      [`Content-Length: ${length}`, (text: string) => text, ""],
      ["Transfer-Encoding: chunked", chunk, "0\r\n\r\n"],
    ] as const
  ) {
    await t.step(framing, async () => {
      using visitor = await tunnel.open();
      await visitor.send(`POST /up HTTP/1.1\r\nHost: ${tunnel.host}\r\n${framing}\r\n\r\n`);
      // The head comes alone, before there is any body.
      const exchange = await origin.next();
      for (const piece of pieces) {
        await visitor.send(frame(piece));
        assertEquals(await exchange.body.readText(piece.length), piece);
      }
      await visitor.send(end);
      await exchange.answer(OK);
      assertEquals((await visitor.receiveAll()).text, "ok");
    });
  }
});

Deno.test("A response reaches the visitor as it is written, with nothing held back", async (t) => {
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTunnel({ origin });

  for (
    const [name, fields, frame, pieces] of [
      [
        "server-sent events",
        "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked",
        chunk,
        [
          ": hello\n\n",
          "id: 1\ndata: a\n\n",
          "data: b\ndata: c\n\n",
        ],
      ],
      ["NDJSON", "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked", chunk, [
        '{"a":1}\n',
        '{"b":2}\n',
        '{"c":3}\n',
      ]],
      ["chunked HTML", "Content-Type: text/html\r\nTransfer-Encoding: chunked", chunk, [
        "<!doctype html><p>",
        "slow ",
        "page</p>",
      ]],
      ["a body of known length", "Content-Length: 3", String, ["a", "b", "c"]],
      ["a body that ends with its connection", "Content-Type: text/plain", String, ["a", "b", "c"]],
    ] as const
  ) {
    await t.step(name, async () => {
      using visitor = await tunnel.open();
      await visitor.send(tunnel.write("/"));
      const exchange = await origin.next();
      await exchange.write(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n`);
      // The head comes alone, before there is any body.
      const { status, body } = await visitor.receive();
      assertEquals(status, 200);
      for (const piece of pieces) {
        await exchange.write(frame(piece));
        assertEquals(await body.readText(piece.length), piece);
      }
      if (frame === chunk) await exchange.write("0\r\n\r\n");
      exchange.close();
      assertEquals(await body.read(), null);
    });
  }
});

Deno.test("An origin may answer before the upload ends", async (t) => {
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTunnel({ origin });

  await t.step("with a conversation, turn by turn on one request", async () => {
    using visitor = await tunnel.open();
    const lines = `Host: ${tunnel.host}\r\nTransfer-Encoding: chunked`;
    await visitor.send(`POST /talk HTTP/1.1\r\n${lines}\r\n\r\n`);
    const exchange = await origin.next();
    await exchange.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const { body } = await visitor.receive();
    for (const word of ["one", "two", "three"]) {
      await visitor.send(chunk(word));
      assertEquals(await exchange.body.readText(word.length), word);
      await exchange.write(chunk(`${word}!`));
      assertEquals(await body.readText(word.length + 1), `${word}!`);
    }
    await visitor.send("0\r\n\r\n");
    await exchange.answer("0\r\n\r\n");
    assertEquals(await body.read(), null);
  });

  await t.step("with a refusal, after which it reads no more", async () => {
    using visitor = await tunnel.open();
    await visitor.send(
      `POST /big HTTP/1.1\r\nHost: ${tunnel.host}\r\nContent-Length: ${GIB}\r\n\r\nbeginning`,
    );
    const exchange = await origin.next();
    assertEquals(await exchange.body.readText(9), "beginning");
    await exchange.write(
      "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 8\r\n\r\ntoo much",
    );
    const { status, text } = await visitor.receiveAll();
    assertEquals([status, text], [413, "too much"]);
    await within(exchange.hangUp(), "the end of the refused upload", CANCELLED_WITHIN);
  });

  await t.step("with a refusal that a visitor sees while it goes on sending", async () => {
    using visitor = await tunnel.open();
    const refusing = origin.next().then(async (exchange) => {
      await exchange.write(
        "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 8\r\n\r\ntoo much",
      );
      exchange.close();
    });
    const sending = visitor.send(
      tunnel.write("/big", { method: "PUT", body: new Uint8Array(20 * MIB) }),
    );
    const { status, text } = await visitor.receiveAll();
    assertEquals([status, text], [413, "too much"]);
    await Promise.all([refusing, sending]);
  });
});

Deno.test("A visitor that leaves cancels the origin's request", async (t) => {
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTunnel({ origin });
  const pattern = new Pattern();
  const cancelled = (promise: Promise<unknown>) =>
    within(promise, "the end of the cancelled request", CANCELLED_WITHIN);

  await t.step("before the head", async () => {
    using visitor = await tunnel.open();
    await visitor.send(tunnel.write("/slow"));
    const exchange = await origin.next();
    visitor.close();
    await cancelled(exchange.hangUp());
  });

  await t.step("before the head of the answer to an upload", async () => {
    using visitor = await tunnel.open();
    await visitor.send(tunnel.write("/slow", { method: "POST", body: "body" }));
    const exchange = await origin.next();
    assertEquals(await exchange.body.readText(4), "body");
    visitor.close();
    await cancelled(exchange.hangUp());
  });

  await t.step("during a download that pauses", async () => {
    using visitor = await tunnel.open();
    await visitor.send(tunnel.write("/events"));
    const exchange = await origin.next();
    await exchange.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk("event")}`);
    assertEquals(await (await visitor.receive()).body.readText(5), "event");
    visitor.close();
    await cancelled(exchange.hangUp());
  });

  await t.step("during a download at full speed", async () => {
    using visitor = await tunnel.open();
    await visitor.send(tunnel.write("/endless"));
    const exchange = await origin.next();
    const writing = writeUntilCut(exchange, pattern);
    const { body } = await visitor.receive();
    for (let seen = 0; seen < MIB;) seen += (await body.read())?.length ?? MIB;
    visitor.close();
    await cancelled(writing);
    exchange.close();
  });

  for (
    const [framing, body] of [
      ["Content-Length: 1000000", "beginning"],
      ["Transfer-Encoding: chunked", chunk("beginning")],
    ] as const
  ) {
    await t.step(`during an upload with ${framing}, which the origin sees cut`, async () => {
      using visitor = await tunnel.open();
      await visitor.send(
        `POST /up HTTP/1.1\r\nHost: ${tunnel.host}\r\n${framing}\r\n\r\n${body}`,
      );
      const exchange = await origin.next();
      assertEquals(await exchange.body.readText(9), "beginning");
      visitor.close();
      await cancelled(assertCut(exchange));
      exchange.close();
    });
  }
});

/** Writes a body without an end until the other side is gone. */
async function writeUntilCut(exchange: ScriptedExchange, pattern: Pattern): Promise<void> {
  try {
    await exchange.write("HTTP/1.1 200 OK\r\n\r\n");
    for (const piece of pattern.pieces(Infinity)) await exchange.write(piece);
  } catch (error) {
    if (!isCut(error)) throw error;
  }
}

/** Reads an upload that must not come to a regular end. */
async function assertCut(exchange: ScriptedExchange): Promise<void> {
  try {
    await exchange.body.readAll();
  } catch (error) {
    if (isCut(error)) return;
    throw error;
  }
  throw new Error("the cut upload came to a regular end");
}

function isCut(error: unknown): boolean {
  return error instanceof FramingError && error.code === "truncated" ||
    error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe;
}
