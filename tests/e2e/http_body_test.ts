import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { FramingError } from "../testing/byte_reader.ts";
import { LISTENER } from "../testing/program.ts";
import { toText } from "../testing/latin1.ts";
import type { RawResponse } from "../testing/raw_http.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { SeededRandom } from "../testing/seeded_random.ts";
import { startTunnel } from "../testing/tunnel.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Says on every answer whether a connection that it left behind still works. */
const NEXT = "GET /next HTTP/1.1\r\nHost: ";

/** Starts an origin that answers `/next` with "ok" and all else by what the test gives. */
function startOrigin() {
  let response = OK;
  const origin = ScriptedOrigin.start(async (exchange) => {
    await exchange.answer(exchange.target === "/next" ? OK : response);
  });
  const answerWith = (text: string) => {
    response = text;
  };
  return { origin, answerWith };
}

Deno.test("Responses without a body end with their head, and the visitor's connection goes on", async (t) => {
  const { origin, answerWith } = startOrigin();
  await using _ = origin;
  await using tunnel = await startTunnel({ origin });

  /** Asks, then asks for something else on the same connection, whose answer must follow at once. */
  const ask = async (response: string, method = "GET", connection = ""): Promise<RawResponse> => {
    answerWith(response);
    using visitor = await tunnel.open();
    await visitor.send(`${method} / HTTP/1.1\r\nHost: ${tunnel.host}\r\n${connection}\r\n`);
    const first = await visitor.receive(method);
    if (connection !== "") {
      assertEquals(await visitor.readToEnd(), "");
      return first;
    }
    await visitor.send(`${NEXT}${tunnel.host}\r\n\r\n`);
    const { status, text } = await visitor.receiveAll();
    assertEquals([status, text], [200, "ok"]);
    return first;
  };

  await t.step(
    "HEAD keeps the length of what GET would bring (RFC 9110 section 9.3.2)",
    async () => {
      const { status, head } = await ask(
        'HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nETag: "e"\r\n\r\n',
        "HEAD",
      );
      assertEquals([status, head.all("content-length"), head.get("etag")], [200, ["12345"], '"e"']);
    },
  );
  await t.step("HEAD of a chunked answer", async () => {
    const { status, head } = await ask(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HEAD",
    );
    assertEquals([status, head.has("content-length")], [200, false]);
  });
  await t.step("HEAD of an error", async () => {
    const { status } = await ask("HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n", "HEAD");
    assertEquals(status, 404);
  });
  await t.step("204 has neither body nor length (RFC 9110 section 8.6)", async () => {
    const { status, head } = await ask("HTTP/1.1 204 No Content\r\nX-Y: z\r\n\r\n");
    assertEquals([status, head.get("x-y")], [204, "z"]);
    assert(!head.has("content-length") && !head.has("transfer-encoding"));
  });
  await t.step("304 keeps its validators", async () => {
    const { status, head } = await ask(
      'HTTP/1.1 304 Not Modified\r\nETag: W/"e"\r\nCache-Control: max-age=9\r\n\r\n',
    );
    assertEquals([status, head.get("etag"), head.get("cache-control")], [
      304,
      'W/"e"',
      "max-age=9",
    ]);
  });
  await t.step("304 with the length of what it stands for (RFC 9110 section 15.4.5)", async () => {
    const { status } = await ask(
      'HTTP/1.1 304 Not Modified\r\nETag: "e"\r\nContent-Length: 6\r\n\r\n',
    );
    assertEquals(status, 304);
  });
  const reset = "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n";
  await t.step("205 on a connection that is kept, where Deno.serve could not end it", async () => {
    assertEquals((await ask(reset)).status, LISTENER === "serve" ? 204 : 205);
  });
  await t.step("205 stays 205 on one that closes", async () => {
    assertEquals((await ask(reset, "GET", "Connection: close\r\n")).status, 205);
  });
  await t.step("an empty body has a length of nought", async () => {
    const { status, head } = await ask("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assertEquals([status, head.all("content-length")], [200, ["0"]]);
  });
});

Deno.test("Encoded bodies, ETags and ranges pass untouched", async (t) => {
  const { origin, answerWith } = startOrigin();
  await using _ = origin;
  await using tunnel = await startTunnel({ origin });
  const random = new SeededRandom();

  for (const coding of ["gzip", "br", "zstd"]) {
    for (const wanted of [[["Accept-Encoding", coding]], []] as const) {
      await t.step(`${coding}, ${wanted.length === 0 ? "not " : ""}asked for`, async () => {
        const bytes = toText(random.bytes(5_000));
        answerWith(
          `HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\nETag: "strong"\r\n` +
            `Content-Type: text/html\r\nContent-Length: 5000\r\n\r\n${bytes}`,
        );
        const { head, body } = await tunnel.request("/", { fields: wanted });
        assertEquals(toText(body), bytes);
        assertEquals(head.all("content-encoding"), [coding]);
        assertEquals(head.all("content-length"), ["5000"]);
        assertEquals(head.all("etag"), ['"strong"']);
        assertEquals((await origin.next()).head.get("accept-encoding"), wanted[0]?.[1] ?? null);
      });
    }
  }

  await t.step("plain text stays plain for a visitor that would take gzip", async () => {
    const text = "text ".repeat(2_000);
    answerWith(
      `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nETag: "e"\r\nContent-Length: 10000\r\n\r\n${text}`,
    );
    const response = await tunnel.request("/", { fields: [["Accept-Encoding", "gzip, br"]] });
    assertEquals(response.text, text);
    assertEquals([response.head.get("content-encoding"), response.head.get("etag")], [null, '"e"']);
    await origin.next();
  });

  await t.step("Range and If-Range go, 206 and Content-Range come back", async () => {
    answerWith(
      "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-5/10\r\nContent-Length: 4\r\n\r\n2345",
    );
    const { status, head, text } = await tunnel.request("/", {
      fields: [["Range", "bytes=2-5"], ["If-Range", '"e"']],
    });
    assertEquals([status, head.get("content-range"), text], [206, "bytes 2-5/10", "2345"]);
    const asked = (await origin.next()).head;
    assertEquals([asked.get("range"), asked.get("if-range")], ["bytes=2-5", '"e"']);
  });
});

Deno.test("Informational answers of the origin are passed over and the final one arrives", async (t) => {
  const { origin, answerWith } = startOrigin();
  await using _ = origin;
  await using tunnel = await startTunnel({ origin });

  for (const interim of ["100 Continue", "102 Processing", "103 Early Hints"]) {
    await t.step(interim, async () => {
      answerWith(`HTTP/1.1 ${interim}\r\nLink: </a.css>\r\n\r\n`.repeat(3) + OK);
      const { status, text } = await tunnel.request("/");
      assertEquals([status, text], [200, "ok"]);
    });
  }
  await t.step("100 before the answer to an upload", async () => {
    answerWith(`HTTP/1.1 100 Continue\r\n\r\n${OK}`);
    const { status, text } = await tunnel.request("/", { method: "POST", body: "x" });
    assertEquals([status, text], [200, "ok"]);
  });
});

Deno.test("HTTP/1.0 visitors get what they understand", async (t) => {
  const { origin, answerWith } = startOrigin();
  await using _ = origin;
  await using tunnel = await startTunnel({ origin });
  const ask = async (request: string) => {
    using visitor = await tunnel.open();
    await visitor.send(request);
    return await visitor.readToEnd();
  };

  await t.step("a chunked answer comes unchunked and ends with the connection", async () => {
    answerWith(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n",
    );
    const text = await ask(`GET / HTTP/1.0\r\nHost: ${tunnel.host}\r\n\r\n`);
    assertMatch(text, /^HTTP\/1\.[01] 200 /);
    assertMatch(text, /\r\n\r\nabcdef$/);
    assertEquals(/transfer-encoding/i.test(text), false);
    // The tunnel's own hop is HTTP/1.1 whatever the visitor speaks (RFC 9110 section 2.5).
    assertEquals((await origin.next()).head.startLine, "GET / HTTP/1.1");
  });
  await t.step("an upload", async () => {
    answerWith(OK);
    const text = await ask(
      `POST /up HTTP/1.0\r\nHost: ${tunnel.host}\r\nContent-Length: 5\r\n\r\nhello`,
    );
    assertMatch(text, /\r\n\r\nok$/);
    assertMatch((await origin.next()).received, /\r\n\r\nhello$/);
  });
});

Deno.test("Every way that an origin ends a body ends it for the visitor too", async (t) => {
  const { origin, answerWith } = startOrigin();
  await using _ = origin;
  await using tunnel = await startTunnel({ origin });
  const text = "body\0\r\n0\r\n\r\nbody";
  const chunked = `5;ext="a b"\r\n${text.slice(0, 5)}\r\n00a\r\n${text.slice(5, 15)}\r\n1\r\n` +
    `${text.slice(15)}\r\n0;x\r\nX-Sum: 1\r\n\r\n`;
  const closing = ScriptedOrigin.start(async (exchange) => {
    await exchange.write(decodeURIComponent(exchange.target.slice(2)));
    exchange.close();
  });
  await using closingTunnel = await startTunnel({ origin: closing, server: tunnel.server });
  await using _closing = closing;

  await t.step("its length", async () => {
    answerWith(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
    const response = await tunnel.request("/");
    assertEquals([response.text, response.body.length], [text, text.length]);
    assertEquals(response.head.all("content-length"), [String(text.length)]);
  });
  await t.step("its last chunk, with extensions and trailers", async () => {
    answerWith(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`);
    assertEquals((await tunnel.request("/")).text, text);
  });
  for (const version of ["1.0", "1.1"]) {
    await t.step(`the end of an HTTP/${version} connection`, async () => {
      const response = `HTTP/${version} 200 OK\r\nContent-Type: text/plain\r\n\r\n${text}`;
      const got = await closingTunnel.request(`/?${encodeURIComponent(response)}`);
      assertEquals([got.status, got.text], [200, text]);
    });
  }
  await t.step("an HTTP/1.0 answer with its length", async () => {
    const response = `HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nbody`;
    const got = await closingTunnel.request(`/?${encodeURIComponent(response)}`);
    assertEquals([got.status, got.text], [200, "body"]);
  });

  for (
    const [name, rest] of [
      ["length", "Content-Length: 9\r\n\r\nbody"],
      ["chunks", "Transfer-Encoding: chunked\r\n\r\n9\r\nbody"],
    ]
  ) {
    await t.step(`a body cut before its ${name} were complete is cut for the visitor`, async () => {
      const target = `/?${encodeURIComponent(`HTTP/1.1 200 OK\r\n${rest}`)}`;
      using visitor = await closingTunnel.open();
      await visitor.send(closingTunnel.write(target));
      const { status, body } = await visitor.receive();
      assertEquals(status, 200);
      const error = await assertRejects(() => body.readAll());
      const isCut = error instanceof FramingError && error.code === "truncated" ||
        error instanceof Deno.errors.ConnectionReset;
      assert(isCut, String(error));
    });
  }
});

Deno.test("A visitor's connection carries many requests, pipelined ones too, each with its own answer", async () => {
  await using origin = ScriptedOrigin.start(async (exchange) => {
    const body = exchange.target;
    await exchange.answer(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  });
  await using tunnel = await startTunnel({ origin });
  using visitor = await tunnel.open();
  const targets = Array.from({ length: 20 }, (_, i) => `/request/${i}`);
  await visitor.send(targets.map((target) => tunnel.write(target)).join(""));
  for (const target of targets) assertEquals((await visitor.receiveAll()).text, target);
});
