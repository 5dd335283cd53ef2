import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { encodeBase64Url } from "@std/encoding/base64url";
import { FEATURES } from "../../lib/wire/features.ts";
import { ErrorCode } from "../../lib/wire/errors.ts";
import { FrameFlag, FrameType } from "../../lib/wire/frame.ts";
import { decodeReset } from "../../lib/wire/reasons.ts";
import type { BodyReader } from "../testing/body_reader.ts";
import { FramingError } from "../testing/byte_reader.ts";
import { lowOrderEncodings, newSigningKey } from "../testing/ed25519.ts";
import { eventually } from "../testing/eventually.ts";
import { coded, frameOf, joined, openingOf, u32, UNKNOWN_FRAMES } from "../testing/frame_peer.ts";
import { ownPage, scrape } from "../testing/prometheus.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { SeededRandom } from "../testing/seeded_random.ts";
import { membersOf, Subscriber } from "../testing/subscriber.ts";
import { startServer, startTunnel, type Tunnel } from "../testing/tunnel.ts";
import { HANDSHAKE } from "../testing/websocket_frame.ts";
import { within } from "../testing/within.ts";
import { rawHead } from "../testing/heads.ts";

const KIB = 1024;
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const HEAD = "200\r\n";

/** Milliseconds: a registration may take 10 s, and a busy machine a little more. */
const REFUSED_WITHIN = 12_000;

Deno.test("Rubbish before a registration ends in a coded Disconnect, and others go on", async (t) => {
  const random = new SeededRandom();
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  const { Data, HTTPRequest, HTTPResponse, Reset, Window } = FrameType;
  const messages: Record<string, Uint8Array<ArrayBuffer>> = {
    "an empty message": new Uint8Array(0),
    "random bytes": random.bytes(1_000),
    "one byte": new Uint8Array([FrameType.Ping]),
    "an unknown type of 20 KiB": frameOf(0x7f, { payload: "x".repeat(20 * KIB) }),
    "a frame cut short": frameOf(FrameType.Ping, { payload: "12345678" }).subarray(0, 12),
    "a length of 4 GiB": joined(new Uint8Array([2, 0]), u32(0), u32(0xffff_ffff)),
    "a frame of 70 KiB": frameOf(FrameType.RegistrationRequest, {
      payload: "x".repeat(70 * KIB),
    }),
    "a message of 20 MiB": new Uint8Array(20 * KIB * KIB),
    "a Data": frameOf(Data, { stream: 1, payload: "x" }),
    "an HTTPRequest": frameOf(HTTPRequest, { stream: 1, payload: openingOf(1_000) }),
    "an HTTPResponse": frameOf(HTTPResponse, { stream: 1, payload: HEAD }),
    "a Window": frameOf(Window, { stream: 1, payload: u32(1) }),
    "a Reset": frameOf(Reset, { stream: 1, payload: coded(0) }),
  };
  for (const [name, message] of Object.entries(messages)) {
    await t.step(name, async () => {
      using peer = await Subscriber.connect(tunnel.server);
      peer.frames.sendBytes(message);
      const { code, reason } = await peer.disconnected();
      assertGreater(code, 0);
      assertGreater(reason.length, 0);
      await assertWorks(tunnel);
    });
  }
  await t.step("a text message", async () => {
    using peer = await Subscriber.connect(tunnel.server);
    peer.sendText("hello");
    assertGreater((await peer.disconnected()).code, 0);
    await assertWorks(tunnel);
  });
});

Deno.test("A server works with a client of any features, and ignores frames that nobody knows", async (t) => {
  await using server = await startServer();
  for (
    const [name, features] of [
      ["none, as an old client", undefined],
      ["its own", FEATURES],
    ] as const
  ) {
    await t.step(name, async () => {
      using client = await Subscriber.connect(server);
      client.frames.sendBytes(UNKNOWN_FRAMES);
      const claim = await client.claim(await newSigningKey(), { features: features ?? [] });
      client.frames.sendBytes(UNKNOWN_FRAMES);
      const { urls } = await client.answer(claim);
      assert(Array.isArray(urls));
      const { host } = new URL(String(urls[0]));
      using visitor = await RawHTTP.open(Number(server.url.port));
      await visitor.send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      const { stream } = await client.frames.next(FrameType.HTTPRequest);
      client.frames.sendBytes(UNKNOWN_FRAMES);
      // A flag that nobody knows, beside the one that ends the answer.
      client.frames.send(FrameType.HTTPResponse, { stream, payload: HEAD, flags: 0xff });
      assertEquals((await visitor.receiveAll()).status, 200);
    });
  }
});

Deno.test("A server offers its features in the challenge", async () => {
  await using server = await startServer();
  using client = await Subscriber.connect(server);
  const challenge = membersOf(await client.frames.next(FrameType.RegistrationChallenge));
  assertEquals(challenge.features, [...FEATURES]);
});

Deno.test("A registration that is not as it must be is refused with a code and a reason, and counted", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  const key = await newSigningKey();
  const [weak] = lowOrderEncodings();
  const x = encodeBase64Url(key.publicKey);
  const jwk = { kty: "OKP", crv: "Ed25519", x };
  const other = await Subscriber.connect(tunnel.server);
  const recorded = await other.claim(key);
  other[Symbol.dispose]();
  const refusals: Record<
    string,
    readonly [code: string, jws: (peer: Subscriber) => Promise<string>]
  > = {
    "the audience of another server": [
      "wrong_audience",
      (peer) => peer.claim(key, { audience: "https://elsewhere.example" }),
    ],
    "an audience with a path": [
      "wrong_audience",
      (peer) => peer.claim(key, { audience: `${peer.audience}/` }),
    ],
    "another nonce": ["wrong_nonce", (peer) => peer.claim(key, { nonce: "A".repeat(43) })],
    "a recorded registration": ["wrong_nonce", (peer) => afterNonce(peer, recorded)],
    "a bad name": ["bad_name", (peer) => peer.claim(key, { name: "a.b" })],
    "a reserved name": ["bad_name", (peer) => peer.claim(key, { name: "www" })],
    "a bad label": ["bad_label", (peer) => peer.claim(key, { label: "a_b" })],
    "alg none": ["unsupported_algorithm", (peer) => forged(peer, { alg: "none", jwk })],
    "alg HS256": ["unsupported_algorithm", (peer) => forged(peer, { alg: "HS256", jwk })],
    "alg RS256": ["unsupported_algorithm", (peer) => forged(peer, { alg: "RS256", jwk })],
    "alg ES256": ["unsupported_algorithm", (peer) => forged(peer, { alg: "ES256", jwk })],
    "no key": ["bad_key", (peer) => forged(peer, { alg: "EdDSA" })],
    "a key on another curve": [
      "bad_key",
      (peer) => forged(peer, { alg: "EdDSA", jwk: { ...jwk, crv: "X25519" } }),
    ],
    "a point of low order": ["bad_key", (peer) => {
      const low = { ...jwk, x: encodeBase64Url(weak ?? "") };
      return forged(peer, { alg: "EdDSA", jwk: low });
    }],
    "a signature of zeros": ["bad_signature", (peer) => forged(peer, { alg: "EdDSA", jwk })],
    "a signature of nearly a whole frame": [
      "bad_signature",
      async (peer) => `${await forged(peer, { alg: "EdDSA", jwk })}${"A".repeat(7_000)}`,
    ],
    "two parts": ["malformed", (peer) => afterNonce(peer, "a.b")],
    "no JSON": ["malformed", (peer) => afterNonce(peer, "AAAA.AAAA.AAAA")],
  };
  for (const [name, [code, jws]] of Object.entries(refusals)) {
    await t.step(name, async () => {
      const before = await refusalsOf(tunnel, code);
      using peer = await Subscriber.connect(tunnel.server);
      const text = await jws(peer);
      const { error } = await peer.answer(text);
      assert(typeof error === "object" && error !== null && "code" in error && "message" in error);
      assertEquals(error.code, code);
      assertGreater(String(error.message).length, 0);
      assertGreater((await peer.disconnected()).code, 0);
      assertEquals(await refusalsOf(tunnel, code), before + 1);
      await assertWorks(tunnel);
    });
  }
});

Deno.test("A registration that does not come in 10 s is refused, whatever else comes", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  using silent = await Subscriber.connect(tunnel.server);
  using dripping = await Subscriber.connect(tunnel.server);
  const drip = setInterval(() => {
    dripping.frames.send(FrameType.Ping, { payload: "12345678" });
  }, 1_000);
  try {
    await within(
      Promise.all([silent, dripping].map(async (peer) => {
        await peer.frames.closed;
        const response = peer.frames.take().find(({ type }) =>
          type === FrameType.RegistrationResponse
        );
        assert(new TextDecoder().decode(response?.payload).includes('"timeout"'));
      })),
      "both to be refused",
      REFUSED_WITHIN,
    );
  } finally {
    clearInterval(drip);
  }
  assertEquals(await refusalsOf(tunnel, "timeout"), 2);
  await assertWorks(tunnel);
});

Deno.test("Only a client is let in to where clients connect", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin, serverArgs: ["--acquire-timeout", "10ms"] });
  const { host } = tunnel.server.url;
  const subprotocol = ["Sec-WebSocket-Protocol", "tunnel.v1"] as const;
  for (
    const [name, fields, expected] of [
      ["a page in a browser", [...HANDSHAKE, subprotocol, ["Origin", "https://evil.example"]], 403],
      [
        "a page of the server's own",
        [...HANDSHAKE, subprotocol, ["Origin", `http://${host}`]],
        403,
      ],
      ["a page without an origin", [...HANDSHAKE, subprotocol, ["Origin", "null"]], 403],
      ["another subprotocol", [...HANDSHAKE, ["Sec-WebSocket-Protocol", "chat"]], 400],
      ["another version", [...HANDSHAKE, ["Sec-WebSocket-Protocol", "tunnel.v2"]], 400],
      ["no subprotocol", HANDSHAKE, 400],
      ["no WebSocket", [], 426],
    ] as const
  ) {
    await t.step(name, async () => {
      const { status, text } = await tunnel.request("/proxy/subscribe", { host, fields });
      assertEquals(status, expected);
      if (expected === 400) assertMatch(text, /subprotocol tunnel\.v1/);
    });
  }
  const fields = [...HANDSHAKE, subprotocol];
  await t.step("no GET", async () => {
    const { status } = await tunnel.request("/proxy/subscribe", { method: "POST", host, fields });
    assertEquals(status, 405);
  });
  await t.step("another path, and a host that is not the server's own", async () => {
    assertEquals((await tunnel.request("/proxy/other", { host, fields })).status, 404);
    const other = `nobody.${tunnel.host.slice(tunnel.host.indexOf(".") + 1)}`;
    assertEquals((await tunnel.request("/proxy/subscribe", { host: other, fields })).status, 404);
  });
});

Deno.test("A registered client that breaks the protocol loses its session, and others go on", async (t) => {
  const random = new SeededRandom();
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  const { Data, HTTPRequest, HTTPResponse, WSResponse, Window } = FrameType;
  const messages: Record<string, Uint8Array<ArrayBuffer>> = {
    "random bytes": random.bytes(5_000),
    "a stream of its own": frameOf(HTTPRequest, { stream: 9, payload: openingOf(1_000) }),
    "an answer on a stream that was never opened": frameOf(HTTPResponse, {
      stream: 99,
      payload: HEAD,
    }),
    "a body before its head": frameOf(Data, { stream: 1, payload: "x" }),
    "an answer of the other kind": frameOf(WSResponse, { stream: 1, payload: HEAD }),
    "two heads": joined(
      frameOf(HTTPResponse, { stream: 1, payload: HEAD }),
      frameOf(HTTPResponse, { stream: 1, payload: HEAD }),
    ),
    "a second head behind its body": joined(
      frameOf(HTTPResponse, { stream: 1, payload: HEAD }),
      frameOf(Data, { stream: 1, payload: "x" }),
      frameOf(HTTPResponse, { stream: 1, payload: HEAD }),
    ),
    "a piece of body that is nothing and ends nothing": joined(
      frameOf(HTTPResponse, { stream: 1, payload: HEAD }),
      frameOf(Data, { stream: 1 }),
    ),
    "a body on a stream that was never opened": frameOf(Data, { stream: 2, payload: "x" }),
    "a reset of a stream that was never opened": frameOf(FrameType.Reset, {
      stream: 2,
      payload: coded(0),
    }),
    "a credit for a stream that was never opened": frameOf(Window, {
      stream: 2,
      payload: u32(1),
    }),
    "a credit of nothing": frameOf(Window, { stream: 1, payload: u32(0) }),
    "a second registration": frameOf(FrameType.RegistrationRequest, { payload: "{}" }),
    "a credit above all bounds": joined(
      frameOf(Window, { stream: 1, payload: u32(0x7fff_ffff) }),
      frameOf(Window, { stream: 1, payload: u32(0x7fff_ffff) }),
    ),
    "more body than its window": joined(
      frameOf(HTTPResponse, { stream: 1, payload: HEAD }),
      ...Array.from(
        { length: 12 },
        () => frameOf(Data, { stream: 1, payload: new Uint8Array(64 * KIB) }),
      ),
    ),
    "a storm of pings": joined(
      ...Array.from({ length: 1_000 }, () => frameOf(FrameType.Ping, { payload: "12345678" })),
    ),
    "a message above 1 MiB": new Uint8Array(1_100 * KIB),
  };
  for (const [name, message] of Object.entries(messages)) {
    await t.step(name, async () => {
      using client = await Subscriber.register(tunnel.server);
      using visitor = await RawHTTP.open(Number(tunnel.server.url.port));
      await visitor.send(`GET / HTTP/1.1\r\nHost: ${client.host}\r\n\r\n`);
      const { stream } = await client.frames.next(HTTPRequest);
      assertEquals(stream, 1);
      client.frames.sendBytes(message);
      const { code, reason } = await client.disconnected();
      assertGreater(code, 0);
      assertGreater(reason.length, 0);
      // Its visitor is told, or cut when the answer had begun.
      const answer = (await visitor.receiveHead()).text;
      assert(/^HTTP\/1\.1 (?:502|200) /.test(answer), answer);
      await assertWorks(tunnel);
    });
  }
});

Deno.test("an answer that no visitor may get costs its request alone", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  using client = await Subscriber.register(tunnel.server);
  const heads: Record<string, Uint8Array> = {
    "no status": rawHead(""),
    "status 99": rawHead("99"),
    "status 600": rawHead("600"),
    "status 100": rawHead("100"),
    "status 101": rawHead("101"),
    "a status line": rawHead("HTTP/1.1 200 OK"),
    "a reason": rawHead("200 OK"),
    "a line feed in a value": rawHead("200", [["x", "a\nSet-Cookie: evil=1"]]),
    "a line of capitals": rawHead("200", [["x", "a\r\nSet-Cookie: evil=1"]]),
    "a folded line": rawHead("200", [["x", "a\r\n set-cookie: evil=1"]]),
    "a NUL in a value": rawHead("200", [["x", "a\0b"]]),
    "an empty line": rawHead("200", [[""]]),
    "a name with a blank": rawHead("200", [["x y", "a"]]),
    "an empty name": rawHead("200", [["", "a"]]),
    "a pseudo-field": rawHead("200", [[":status", "200"]]),
    "a line without a colon": rawHead("200", [["a"]]),
    "no end of the last line": rawHead("200", [["a", "b"]]).subarray(0, -2),
    "ten thousand fields": rawHead("200", Array.from({ length: 10_000 }, () => ["a", "b"])),
  };
  for (const [name, payload] of Object.entries(heads)) {
    await t.step(name, async () => {
      using visitor = await RawHTTP.open(Number(tunnel.server.url.port));
      await visitor.send(`GET / HTTP/1.1\r\nHost: ${client.host}\r\n\r\n`);
      const { stream } = await client.frames.next(FrameType.HTTPRequest);
      client.frames.send(FrameType.HTTPResponse, { stream, payload });
      const { status, head } = await visitor.receiveAll();
      assertEquals(status, 502);
      assertEquals(head.get("set-cookie"), null);
      await client.frames.next(FrameType.Reset);
    });
  }
  await t.step("and the session goes on", async () => {
    using visitor = await RawHTTP.open(Number(tunnel.server.url.port));
    await visitor.send(`GET / HTTP/1.1\r\nHost: ${client.host}\r\n\r\n`);
    const { stream } = await client.frames.next(FrameType.HTTPRequest);
    client.frames.send(FrameType.HTTPResponse, { stream, payload: HEAD, flags: 1 });
    assertEquals((await visitor.receiveAll()).status, 200);
  });
});

Deno.test("A client's answer that is not as long as it says never looks whole, and nothing of it passes for the next", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  using client = await Subscriber.register(tunnel.server);
  const { Data, HTTPRequest, HTTPResponse, Reset } = FrameType;
  const { EndStream } = FrameFlag;

  /** Asks with a method, and returns the number of the client's stream. */
  const ask = async (visitor: RawHTTP, method = "GET"): Promise<number> => {
    await visitor.send(`${method} / HTTP/1.1\r\nHost: ${client.host}\r\n\r\n`);
    return (await client.frames.next(HTTPRequest)).stream;
  };
  /** Checks that a visitor's connection carries a next exchange, whose answer is the next that comes. */
  const goesOn = async (visitor: RawHTTP): Promise<void> => {
    const stream = await ask(visitor);
    client.frames.send(HTTPResponse, { stream, payload: "200\r\ncontent-length: 4\r\n" });
    client.frames.send(Data, { stream, payload: "next", flags: EndStream });
    const { status, text } = await visitor.receiveAll();
    assertEquals([status, text], [200, "next"]);
  };
  const payload = "200\r\ncontent-length: 5\r\n";

  for (const [name, body] of [["shorter", "abcd"], ["longer", "abcdef"]] as const) {
    await t.step(`${name}, and here as a whole: 502`, async () => {
      using visitor = await tunnel.open();
      const stream = await ask(visitor);
      client.frames.sendBytes(joined(
        frameOf(HTTPResponse, { stream, payload }),
        frameOf(Data, { stream, payload: body, flags: EndStream }),
      ));
      assertEquals((await visitor.receiveAll()).status, 502);
      await goesOn(visitor);
    });
  }
  await t.step("nothing where a body was announced: 502", async () => {
    using visitor = await tunnel.open();
    const stream = await ask(visitor);
    client.frames.send(HTTPResponse, { stream, payload, flags: EndStream });
    assertEquals((await visitor.receiveAll()).status, 502);
    await goesOn(visitor);
  });
  /** Answers with a head and some of the body, then with the rest once that has arrived. */
  const inPieces = async (visitor: RawHTTP, rest: string): Promise<BodyReader> => {
    const stream = await ask(visitor);
    client.frames.send(HTTPResponse, { stream, payload });
    client.frames.send(Data, { stream, payload: "abc" });
    const { status, body } = await visitor.receive();
    assertEquals([status, await body.readText(3)], [200, "abc"]);
    client.frames.send(Data, { stream, payload: rest, flags: EndStream });
    return body;
  };
  await t.step("shorter, and piece by piece: the visitor is cut", async () => {
    using visitor = await tunnel.open();
    const body = await inPieces(visitor, "d");
    const error = await assertRejects(() => body.readAll(), FramingError);
    assertEquals(error.code, "truncated");
  });
  await t.step("longer, and piece by piece: the rest is nobody's", async () => {
    using visitor = await tunnel.open();
    const body = await inPieces(visitor, "deHTTP/1.1 200 OK\r\n\r\n");
    assertEquals(await body.readText(2), "de");
    await goesOn(visitor);
  });
  await t.step("to HEAD, and with a 204 or a 304: there is no body", async () => {
    for (
      const [method, status, length] of [["HEAD", 200, 5], ["GET", 204, 0], [
        "GET",
        304,
        5,
      ]] as const
    ) {
      using visitor = await tunnel.open();
      const stream = await ask(visitor, method);
      const fields = length === 0 ? "" : `content-length: ${length}\r\n`;
      client.frames.send(HTTPResponse, { stream, payload: `${status}\r\n${fields}` });
      assertEquals((await visitor.receiveAll(method)).status, status);
      assertEquals((await client.frames.next(Reset)).stream, stream);
      client.frames.send(Data, { stream, payload: "HTTP/1.1 200 OK\r\n\r\n", flags: EndStream });
      await goesOn(visitor);
    }
  });
  await t.step(
    "to HEAD, and with a 204 or a 304, here as a whole: there is no body either",
    async () => {
      for (
        const [method, status, fields] of [
          ["HEAD", 200, ""],
          ["HEAD", 200, "content-length: 5\r\n"],
          ["GET", 204, ""],
          ["GET", 304, "content-length: 5\r\n"],
        ] as const
      ) {
        using visitor = await tunnel.open();
        const stream = await ask(visitor, method);
        client.frames.sendBytes(joined(
          frameOf(HTTPResponse, { stream, payload: `${status}\r\n${fields}` }),
          frameOf(Data, { stream, payload: "HTTP/1.1 200 OK\r\n\r\n", flags: EndStream }),
        ));
        assertEquals((await visitor.receiveAll(method)).status, status);
        await goesOn(visitor);
      }
    },
  );
  await assertWorks(tunnel);
});

Deno.test("A client's 101 with a length opens a WebSocket, and what would follow is no body", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  using client = await Subscriber.register(tunnel.server);
  using visitor = await tunnel.open();
  await visitor.send(tunnel.write("/", { host: client.host, fields: HANDSHAKE }));
  const { stream } = await client.frames.next(FrameType.WSRequest);
  const payload = "101\r\ncontent-length: 5\r\nx-other: y\r\n";
  client.frames.send(FrameType.WSResponse, { stream, payload });
  const { status, head } = await visitor.receive();
  assertEquals([status, head.get("content-length"), head.get("x-other")], [101, null, "y"]);
});

Deno.test("A client's 101 with a subprotocol that was not offered is 502, and the client is told what was wrong", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  using client = await Subscriber.register(tunnel.server);
  using visitor = await tunnel.open();
  await visitor.send(tunnel.write("/", { host: client.host, fields: HANDSHAKE }));
  const { stream } = await client.frames.next(FrameType.WSRequest);
  const payload = "101\r\nsec-websocket-protocol: unheard.of\r\n";
  client.frames.send(FrameType.WSResponse, { stream, payload });
  assertEquals((await visitor.receiveAll()).status, 502);
  const { code, reason } = decodeReset((await client.frames.next(FrameType.Reset)).payload);
  assertEquals(
    [code, reason],
    [ErrorCode.Protocol, "the subprotocol unheard.of was not offered"],
  );
});

Deno.test("Connections that say nothing keep no client out", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin, serverArgs: ["--trust-proxy", "loopback"] });
  using peers = new DisposableStack();
  for (let i = 0; i < 60; i++) {
    const address = `192.0.2.${Math.floor(i / 15)}`;
    peers.use(await Subscriber.connect(tunnel.server, { "x-forwarded-for": address }));
  }
  using client = await Subscriber.register(tunnel.server);
  assert(client.host.endsWith(`.localhost:${tunnel.server.url.port}`));
  await assertWorks(tunnel);
  const memory = await tunnel.server.memory();
  if (memory !== null) assertLess(memory.now, 200_000_000);
});

Deno.test("no compression is agreed to: what is short on the wire stays short", async () => {
  await using server = await startServer();
  using visitor = await RawHTTP.open(Number(server.url.port));
  const fields = [
    ...HANDSHAKE,
    ["Sec-WebSocket-Protocol", "tunnel.v1"],
    ["Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"],
  ].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  await visitor.send(
    `GET /proxy/subscribe HTTP/1.1\r\nHost: ${server.url.host}\r\n${fields}\r\n`,
  );
  const head = await visitor.receiveHead();
  assert(head.startLine.startsWith("HTTP/1.1 101 "), head.text);
  assertEquals(head.all("sec-websocket-extensions"), []);
});

Deno.test("An address has sixteen connections that have not registered, and no more", async () => {
  await using server = await startServer(["--trust-proxy", "loopback"]);
  const from = (address: string) => Subscriber.connect(server, { "x-forwarded-for": address });
  using peers = new DisposableStack();
  for (let i = 0; i < 16; i++) peers.use(await from("192.0.2.1"));
  await assertRejects(() => from("192.0.2.1"), Error, "503");
  using other = await from("192.0.2.2");
  using registered = await Subscriber.register(server);
  await other.nonce();
  peers.dispose();
  await eventually("room for the address", async () => {
    using peer = await from("192.0.2.1");
    return (await peer.nonce()) !== "";
  });
  assert(registered.host !== "");
});

/** Checks that the well-behaved tunnel was not touched. */
async function assertWorks(tunnel: Tunnel): Promise<void> {
  const { status, text } = await tunnel.request("/");
  assertEquals([status, text], [200, "ok"]);
  assertEquals(tunnel.connections, 1, "the client had to connect again");
  assertEquals((await ownPage(tunnel.server, "/healthz")).status, 200);
}

async function refusalsOf(tunnel: Tunnel, code: string): Promise<number> {
  return (await scrape(tunnel.server)).value("tunnel_registrations_refused_total", { code });
}

/** Writes a registration that answers the challenge, with that header and a signature of zeros. */
async function forged(
  peer: Subscriber,
  header: Readonly<Record<string, unknown>>,
): Promise<string> {
  const payload = { aud: peer.audience, nonce: await peer.nonce(), iat: 0, connection: 0 };
  const parts = [header, payload].map((part) => encodeBase64Url(JSON.stringify(part)));
  return [...parts, encodeBase64Url(new Uint8Array(64))].join(".");
}

/** Takes the challenge and answers it with a text that has nothing to do with it. */
async function afterNonce(peer: Subscriber, jws: string): Promise<string> {
  await peer.nonce();
  return jws;
}
