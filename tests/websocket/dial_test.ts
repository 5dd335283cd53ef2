import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { dialWebSocket } from "../../lib/websocket/dial.ts";
import { DialError } from "../../lib/websocket/dial_error.ts";
import { CERTIFICATE } from "../testing/certificate.ts";
import { freePort } from "../testing/free_port.ts";
import { acceptKey } from "../testing/websocket_frame.ts";
import { within } from "../testing/within.ts";
import { RawOrigin, type RawPeer } from "../testing/raw_origin.ts";

const PROTOCOL = "tunnel.v1";

Deno.test("dialWebSocket sends the handshake of RFC 6455 section 4.1, with a key of its own each time", async () => {
  const heads: string[] = [];
  await using server = new RawOrigin(async (peer) => {
    const head = await peer.until();
    heads.push(head);
    await peer.send(answerTo(head));
    await peer.ended();
  });
  for (let i = 0; i < 2; i++) (await dial(server.port)).connection.close();
  const keys = heads.map((head) => /^Sec-WebSocket-Key: ([A-Za-z0-9+/]{22}==)\r$/m.exec(head)?.[1]);
  assert(keys[0] !== undefined && keys[1] !== undefined && keys[0] !== keys[1], `${keys}`);
  assertEquals(heads[0]?.replace(keys[0], "<key>").split("\r\n"), [
    "GET /proxy/subscribe HTTP/1.1",
    `Host: 127.0.0.1:${server.port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: <key>",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Protocol: tunnel.v1",
    "",
    "",
  ]);
});

Deno.test("dialWebSocket gives the bytes behind the head as the first frames, however the answer comes", async () => {
  for (const size of [1, 7, Infinity]) {
    await using server = new RawOrigin(async (peer) => {
      const answer = `${answerTo(await peer.until())}\x82\x01A`;
      for (let at = 0; at < answer.length; at += size) await peer.send(answer.slice(at, at + size));
      await peer.ended();
    });
    const { connection, early } = await dial(server.port);
    const bytes = [...early];
    const buffer = new Uint8Array(3);
    while (bytes.length < 3) bytes.push(...buffer.subarray(0, await connection.read(buffer) ?? 9));
    assertEquals(bytes, [0x82, 1, 0x41]);
    connection.close();
  }
});

Deno.test("dialWebSocket accepts what a server may vary", async (t) => {
  const variants: Record<string, (answer: string) => string> = {
    "the case of names and values": (answer) =>
      answer.replace("Upgrade: websocket", "uPGRADE:WebSocket").replace(": Upgrade", ": upgrade"),
    "other connection options": (answer) =>
      answer.replace("Connection: Upgrade", "Connection: keep-alive\r\nConnection: Upgrade"),
    "no reason": (answer) => answer.replace("101 Switching Protocols", "101"),
    "an informational answer before": (answer) =>
      `HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n${answer}`,
  };
  for (const [name, change] of Object.entries(variants)) {
    await t.step(name, async () => {
      await using server = answering(change);
      (await dial(server.port)).connection.close();
    });
  }
});

Deno.test("dialWebSocket refuses an answer that does not accept the WebSocket, and closes", async (t) => {
  const without = (name: string) => (answer: string) =>
    answer.replace(new RegExp(`^${name}:.*\r\n`, "m"), "");
  const adding = (line: string) => (answer: string) => answer.replace("\r\n", `\r\n${line}\r\n`);
  const answers: Record<string, readonly [(answer: string) => string, RegExp]> = {
    "no Upgrade": [without("Upgrade"), /Upgrade/],
    "another Upgrade": [(answer) => answer.replace("websocket", "h2c"), /Upgrade/],
    "no Connection": [without("Connection"), /Connection/],
    "another Connection": [(answer) => answer.replace(": Upgrade", ": close"), /Connection/],
    "no Accept": [without("Sec-WebSocket-Accept"), /Accept/],
    "another Accept": [(answer) => answer.replace("Accept: ", "Accept: x"), /Accept/],
    "two Accepts": [adding("Sec-WebSocket-Accept: x"), /Accept/],
    "no subprotocol": [without("Sec-WebSocket-Protocol"), /not those of a tunnel/],
    "another subprotocol": [
      (answer) => answer.replace("tunnel.v1", "chat"),
      /not those of a tunnel/,
    ],
    "another version": [(answer) => answer.replace("tunnel.v1", "tunnel.v2"), /speaks tunnel\.v2/],
    "an extension": [adding("Sec-WebSocket-Extensions: permessage-deflate"), /extension/],
    "HTTP/2": [(answer) => answer.replace("HTTP/1.1", "HTTP/2"), /HTTP\/1\.1/],
    "no HTTP": [() => "SSH-2.0-OpenSSH_9.9\r\n\r\n", /HTTP\/1\.1/],
    "a bare LF": [(answer) => answer.replaceAll("\r\n", "\n"), /HTTP\/1\.1/],
    "a folded field": [adding("A: b\r\n c"), /HTTP\/1\.1/],
    "an endless head": [adding(`A: ${"a".repeat(20_000)}`), /16384 bytes/],
    "endless informational answers": [() => "HTTP/1.1 103 A\r\n\r\n".repeat(2_000), /16384 bytes/],
  };
  for (const [name, [change, expected]] of Object.entries(answers)) {
    await t.step(name, async () => {
      await using server = answering(change);
      assertMatch((await assertFails(dial(server.port))).message, expected);
      await server.finished();
    });
  }
  await t.step("nothing", async () => {
    await using server = new RawOrigin((peer) => peer.until().then(() => {}));
    assertMatch((await assertFails(dial(server.port))).message, /closed the connection/);
  });
});

Deno.test("dialWebSocket tells the status of a refusal, and its sentence or else the first line of its body", async (t) => {
  for (
    const [name, answer, expected] of [
      ["a length", "HTTP/1.1 404 X\r\nContent-Length: 9\r\n\r\nno\nmore..", "status 404 (no)"],
      [
        "chunks",
        "HTTP/1.1 503 X\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbusy\r\n0\r\n\r\n",
        "status 503 (busy)",
      ],
      [
        "a sentence behind the status",
        "HTTP/1.1 421 X\r\n\r\n421 Misdirected Request\n\nTry port 1.\n",
        "status 421 (Try port 1.)",
      ],
      [
        "a status alone",
        "HTTP/1.1 421 X\r\n\r\n421 Misdirected\n\n",
        "status 421 (421 Misdirected)",
      ],
      ["the end", "HTTP/1.1 400 X\r\n\r\nbad", "status 400 (bad)"],
      ["none", "HTTP/1.1 204 X\r\n\r\n", "status 204"],
      ["an empty one", "HTTP/1.1 301 X\r\nContent-Length: 0\r\n\r\n", "status 301"],
      [
        "a redirect",
        "HTTP/1.1 301 X\r\nLocation: https://a.example/b\r\n\r\n<title>Moved</title>",
        "status 301 (it sends to https://a.example/b)",
      ],
      [
        "a page",
        "HTTP/1.1 404 X\r\n\r\n<!doctype html>\n<html><title>\nNot\nfound</title>",
        "status 404 (Not found)",
      ],
      ["a page without a title", "HTTP/1.1 404 X\r\n\r\n<html><p>Not found", "status 404"],
      ["one that is cut", "HTTP/1.1 502 X\r\nContent-Length: 9\r\n\r\n", "status 502"],
      ["a long one", `HTTP/1.1 403 X\r\n\r\n${"x".repeat(500)}`, `status 403 (${"x".repeat(200)})`],
    ] as const
  ) {
    await t.step(name, async () => {
      await using server = new RawOrigin(async (peer) => {
        await peer.until();
        await peer.send(answer);
      });
      const error = await assertFails(dial(server.port));
      assertEquals(error.message, `it answered with ${expected}`);
      const { failure } = error;
      assert(failure.kind === "status");
      assertEquals(failure.status, Number(/\d+/.exec(expected)?.[0]));
    });
  }
});

Deno.test("dialWebSocket says why there is no connection", async () => {
  assertEquals((await assertFails(dial(freePort()))).message, "nothing listens there");
  const { failure } = await assertFails(dialURL("http://tunnel.invalid:80"));
  assert(failure.kind === "unreachable");
  assertMatch(failure.code, /^EAI_/);
});

Deno.test("dialWebSocket finds a server that listens on either loopback address as localhost", async () => {
  for (const hostname of ["127.0.0.1", "::1"]) {
    await using server = new RawOrigin(answer, hostname);
    (await dialURL(`http://localhost:${server.port}`)).connection.close();
    const literal = hostname.includes(":") ? `[${hostname}]` : hostname;
    (await dialURL(`http://${literal}:${server.port}`)).connection.close();
  }
});

Deno.test("dialWebSocket gives up when its time is over, wherever it waits", async () => {
  for (const scheme of ["http", "https"]) {
    await using server = new RawOrigin((peer) => peer.ended());
    const error = await assertFails(
      dialURL(`${scheme}://127.0.0.1:${server.port}`, { timeout: 20 }),
    );
    assertMatch(error.message, /^no (?:answer came|connection came about) within 0\.02 s$/);
    assertEquals(error.failure.kind, "late");
    // A TLS handshake under way keeps its socket in Deno until the server closes, which the scope does.
    if (scheme === "http") await server.finished();
  }
});

Deno.test("dialWebSocket gives up when it is aborted, and leaves nothing open", async () => {
  const asked = Promise.withResolvers<void>();
  await using server = new RawOrigin(async (peer) => {
    await peer.until();
    asked.resolve();
    await peer.ended();
  });
  const abort = new AbortController();
  const dialled = dialURL(`http://127.0.0.1:${server.port}`, { signal: abort.signal });
  dialled.catch(() => {});
  await within(asked.promise, "the handshake");
  abort.abort(new Error("enough"));
  await assertRejects(() => dialled, Error, "enough");
  await server.finished();
  const late = dialURL(`http://127.0.0.1:${server.port}`, { signal: abort.signal });
  await assertRejects(() => late, Error, "enough");
});

Deno.test("dialWebSocket over TLS refuses a certificate that it does not trust, and who speaks no TLS", async () => {
  const listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert: Deno.readTextFileSync(CERTIFICATE.certFile),
    key: Deno.readTextFileSync(CERTIFICATE.keyFile),
  });
  const accepting = listener.accept().then(async (peer) => {
    await peer.handshake().catch(() => {});
    peer.close();
  });
  const error = await assertFails(dialURL(`https://localhost:${listener.addr.port}`));
  assertEquals(error.failure, { kind: "tls", fault: "untrusted" });
  await accepting;
  listener.close();
  await using plain = new RawOrigin((peer) => peer.send("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const { failure } = await assertFails(dialURL(`https://127.0.0.1:${plain.port}`));
  assertEquals(failure, { kind: "tls", fault: "plain" });
});

function dial(port: number) {
  return dialURL(`http://127.0.0.1:${port}`);
}

function dialURL(
  server: string,
  { timeout = 10_000, signal = new AbortController().signal } = {},
) {
  const url = new URL("/proxy/subscribe", server);
  return within(dialWebSocket(url, { protocol: PROTOCOL, timeout, signal }), "the handshake");
}

function assertFails(dialled: Promise<unknown>): Promise<DialError> {
  return assertRejects(() => dialled, DialError);
}

function answering(change: (answer: string) => string): RawOrigin {
  return new RawOrigin((peer) => answer(peer, change));
}

async function answer(peer: RawPeer, change: unknown): Promise<void> {
  const correct = answerTo(await peer.until());
  await peer.send(typeof change === "function" ? change(correct) : correct);
  await peer.ended();
}

function answerTo(head: string): string {
  const key = /^Sec-WebSocket-Key: (.*)\r$/m.exec(head)?.[1] ?? "";
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${acceptKey(key)}\r\nSec-WebSocket-Protocol: ${PROTOCOL}\r\n\r\n`;
}
