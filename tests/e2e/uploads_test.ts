import { assertEquals, assertMatch } from "@std/assert";
import { createHash } from "node:crypto";
import { toText } from "../testing/latin1.ts";
import type { ScriptedExchange } from "../testing/scripted_exchange.ts";
import { parseEcho, SampleOrigin } from "../testing/sample_origin.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { SeededRandom } from "../testing/seeded_random.ts";
import { startTunnel, type Tunnel } from "../testing/tunnel.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

const UPLOADS = 200;
/** Bytes of the largest one: beyond the first window of a stream, so that credit is asked for. */
const MAX_LENGTH = 600_000;

interface Upload {
  readonly path: string;
  readonly isChunked: boolean;
  /** Bytes that the visitor writes at once. */
  readonly pieceLength: number;
  readonly content: Uint8Array;
  readonly sha256: string;
}

Deno.test("Uploads keep their bytes and their framing", async (t) => {
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTunnel({ origin });
  const upload = async (
    framing: readonly string[],
    body: string,
    content = body,
  ): Promise<ScriptedExchange> => {
    using visitor = await tunnel.open();
    await visitor.send(
      [`POST /up HTTP/1.1`, `Host: ${tunnel.host}`, ...framing, "", body].join("\r\n"),
    );
    const exchange = await origin.next();
    assertEquals(toText(await exchange.body.readAll()), content);
    await exchange.answer(OK);
    assertEquals((await visitor.receiveAll()).text, "ok");
    return exchange;
  };

  await t.step("a length stays a length", async () => {
    const { head, body } = await upload(["Content-Length: 4"], "body");
    assertEquals([body.framing, head.all("content-length")], [4, ["4"]]);
  });
  await t.step("chunks stay chunks, and none of them ends the body by its content", async () => {
    const { head, body } = await upload(
      ["Transfer-Encoding: chunked"],
      "5;a=b\r\nbody\0\r\n7\r\n\r\n0\r\n\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: 1\r\n\r\n",
      "body\0\r\n0\r\n\r\nbody",
    );
    assertEquals([body.framing, head.has("content-length")], ["chunked", false]);
  });
  await t.step("an empty body with a length", async () => {
    const { head } = await upload(["Content-Length: 0"], "");
    assertEquals([head.all("content-length"), head.has("transfer-encoding")], [["0"], false]);
  });
  await t.step("a chunk that is none is the visitor's fault", async () => {
    using visitor = await tunnel.open();
    await visitor.send(
      `POST /up HTTP/1.1\r\nHost: ${tunnel.host}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`,
    );
    // Deno answers nothing at all when it is sent together with the head.
    const { body } = await origin.next();
    await body.read();
    await visitor.send("no size\r\n");
    assertEquals((await visitor.receiveAll()).status, 400);
  });

  await t.step("an empty chunked body", async () => {
    await upload(["Transfer-Encoding: chunked"], "0\r\n\r\n", "");
  });
  await t.step("equal lengths given twice are one (RFC 9110 section 8.6)", async () => {
    const { head } = await upload(["Content-Length: 4", "Content-Length: 4"], "body");
    assertEquals(head.all("content-length"), ["4"]);
  });

  await t.step(
    "Expect: 100-continue: the visitor is told to go on, and the body arrives",
    async () => {
      using visitor = await tunnel.open();
      await visitor.send(
        `PUT /up HTTP/1.1\r\nHost: ${tunnel.host}\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`,
      );
      const exchange = await origin.next();
      // Only a listener that does not say so by itself waits for the origin to do it.
      await exchange.write("HTTP/1.1 100 Continue\r\n\r\n");
      assertMatch((await visitor.receiveHead()).startLine, /^HTTP\/1\.1 100 /);
      await visitor.send("body");
      assertEquals(toText(await exchange.body.readAll()), "body");
      await exchange.answer(OK);
      assertEquals((await visitor.receiveAll()).text, "ok");
    },
  );
});

Deno.test("200 uploads at once of random bytes arrive intact, and come back intact", async () => {
  await using origin = SampleOrigin.start();
  await using tunnel = await startTunnel({ origin });
  const random = new SeededRandom();
  const uploads = Array.from({ length: UPLOADS }, (_, i) => makeUpload(random, i));

  const outcomes = await Promise.all(uploads.map((upload) => send(tunnel, upload)));

  assertEquals(
    outcomes,
    uploads.map(({ content, sha256 }) => ({ length: content.length, sha256 })),
  );
});

/** Draws small and large ones, empty ones too; half of them are hashed by the origin, half by the visitor that gets them back. */
function makeUpload(random: SeededRandom, number: number): Upload {
  const length = random.integer(0, random.pick([0, 10, 1_000, 100_000, MAX_LENGTH]));
  const content = random.bytes(length);
  return {
    path: number % 2 === 0 ? "/echo" : "/mirror",
    isChunked: random.integer(0, 1) === 1,
    pieceLength: random.integer(100, 100_000),
    content,
    sha256: sha256(content),
  };
}

/** Uploads over a connection of its own, and returns what was seen at the far end. */
async function send(tunnel: Tunnel, upload: Upload) {
  const { path, isChunked, pieceLength, content } = upload;
  const framing = isChunked ? "Transfer-Encoding: chunked" : `Content-Length: ${content.length}`;
  using visitor = await tunnel.open();
  const sending = async () => {
    await visitor.send(`POST ${path} HTTP/1.1\r\nHost: ${tunnel.host}\r\n${framing}\r\n\r\n`);
    for (let at = 0; at < content.length;) {
      const piece = content.subarray(at, at + pieceLength);
      at += piece.length;
      if (isChunked) await visitor.send(`${piece.length.toString(16)}\r\n`);
      await visitor.send(piece);
      if (isChunked) await visitor.send("\r\n");
    }
    if (isChunked) await visitor.send("0\r\n\r\n");
  };
  const [{ status, body, text }] = await Promise.all([visitor.receiveAll("POST"), sending()]);
  assertEquals(status, 200, text);
  if (path === "/mirror") return { length: body.length, sha256: sha256(body) };
  const echo = parseEcho(text);
  return { length: echo.length, sha256: echo.sha256 };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
