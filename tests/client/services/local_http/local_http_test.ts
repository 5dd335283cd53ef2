import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { LocalHTTP } from "../../../../lib/client/services/local_http/local_http.ts";
import type { TroubleHearer } from "../../../../lib/client/services/service.ts";
import { ErrorCode, StreamError } from "../../../../lib/wire/errors.ts";
import { FrameType } from "../../../../lib/wire/frame.ts";
import { FramingError } from "../../../testing/byte_reader.ts";
import { FakeIncoming, requestHead } from "../../../testing/fake_incoming.ts";
import { CERTIFICATE } from "../../../testing/certificate.ts";
import { freePort } from "../../../testing/free_port.ts";
import { RawOrigin } from "../../../testing/raw_origin.ts";
import { toText } from "../../../testing/latin1.ts";
import { ScriptedOrigin } from "../../../testing/scripted_origin.ts";
import { within } from "../../../testing/within.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Deno.test("LocalHTTP sends the whole answer, and resets what is left of an upload", async () => {
  await using origin = ScriptedOrigin.start(async (exchange) => {
    if (exchange.method === "GET") return await exchange.answer(OK);
    await exchange.write(OK);
    await exchange.hangUp();
  });
  using local = new TestLocalHTTP(origin.port);
  const page = new FakeIncoming();
  await local.served(page);
  assertEquals<unknown>(page.head, { status: 200, fields: [["content-length", "2"]] });
  assertEquals([page.text, page.isComplete, page.resetWith], ["ok", true, null]);

  const upload = new FakeIncoming(FrameType.HTTPRequest, { hasBody: true });
  upload.give("the first piece");
  await local.served(upload, "POST");
  assertEquals([upload.text, upload.isComplete], ["ok", true]);
  assertEquals(upload.resetWith?.code, ErrorCode.None);
});

Deno.test("LocalHTTP asks nothing of the origin for a visitor who has left already", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  using local = new TestLocalHTTP(origin.port);
  for (const type of [FrameType.HTTPRequest, FrameType.WSRequest]) {
    const incoming = new FakeIncoming(type);
    const served = local.serve(incoming, requestHead());
    incoming.leave();
    await within(served, "the end of an exchange");
  }
  assertEquals(origin.connectionCount, 0);
});

Deno.test("LocalHTTP gives the origin up when the visitor leaves", async () => {
  await using origin = ScriptedOrigin.start((exchange) => exchange.hangUp());
  using local = new TestLocalHTTP(origin.port);
  const incoming = new FakeIncoming();
  const served = local.serve(incoming, requestHead());
  const { over } = await origin.next();
  incoming.leave();
  await within(served, "the end of an exchange");
  await within(over, "the end of the connection");
  assertEquals([incoming.head, incoming.onAbort], [null, null]);
});

Deno.test("LocalHTTP sends on what a visitor had sent of its upload before it left, whenever that was", async (t) => {
  await using origin = ScriptedOrigin.start();
  using local = new TestLocalHTTP(origin.port);
  const framings = [["in chunks", []], ["with a length", [["content-length", "100"]]]] as const;
  for (const [how, fields] of framings) {
    for (const isAtOnce of [true, false]) {
      await t.step(`${how}, ${isAtOnce ? "at once" : "while the origin reads"}`, async () => {
        const incoming = new FakeIncoming(FrameType.HTTPRequest, { hasBody: true });
        const served = local.serve(incoming, requestHead({ method: "POST", fields }));
        incoming.give("one ");
        const begun = isAtOnce ? null : await origin.next();
        if (begun !== null) assertEquals(await begun.body.readText(4), "one ");
        for (const piece of ["two ", "three"]) incoming.give(piece);
        incoming.leave();
        const { body } = begun ?? await origin.next();
        const rest = begun === null ? "one two three" : "two three";
        assertEquals(await body.readText(rest.length), rest);
        const { code } = await assertRejects(() => body.readAll(), FramingError);
        assertEquals(code, "truncated");
        await within(served, "the end of an exchange");
      });
    }
  }
});

Deno.test("LocalHTTP sends on a whole upload whose visitor did not wait for the answer", async () => {
  await using origin = ScriptedOrigin.start();
  using local = new TestLocalHTTP(origin.port);
  const incoming = new FakeIncoming(FrameType.HTTPRequest, { hasBody: true });
  const served = local.serve(incoming, requestHead({ method: "POST" }));
  incoming.give("whole");
  incoming.giveEnd();
  incoming.leave();
  const exchange = await origin.next();
  assertEquals(toText(await exchange.body.readAll()), "whole");
  await within(served, "the end of an exchange");
  await exchange.hangUp();
});

Deno.test("LocalHTTP tells each failure of the origin by its own code", async () => {
  const { HTTPRequest, WSRequest } = FrameType;
  const failures = [
    [HTTPRequest, "no HTTP\r\n\r\n", ErrorCode.OriginMalformed],
    [HTTPRequest, "", ErrorCode.OriginCut],
    [HTTPRequest, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", ErrorCode.OriginCut],
    [WSRequest, "no HTTP\r\n\r\n", ErrorCode.OriginMalformed],
    [WSRequest, "", ErrorCode.OriginCut],
  ] as const;
  for (const [type, answer, code] of failures) {
    await using origin = ScriptedOrigin.start(async (exchange) => {
      await exchange.write(answer);
      exchange.close();
    });
    using local = new TestLocalHTTP(origin.port);
    const incoming = new FakeIncoming(type);
    await local.served(incoming);
    assertEquals(incoming.resetWith?.code, code, incoming.resetWith?.reason);
  }
  using nobody = new TestLocalHTTP(freePort());
  for (const type of [HTTPRequest, WSRequest]) {
    const incoming = new FakeIncoming(type);
    await nobody.served(incoming);
    assertEquals(incoming.resetWith?.code, ErrorCode.OriginUnreachable);
  }
});

Deno.test("LocalHTTP tells a failure of its own as Internal, and one of the stream as what it is", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  using local = new TestLocalHTTP(origin.port);
  const own = new Failing(new TypeError("a mistake"));
  await local.served(own);
  assertEquals(own.resetWith?.code, ErrorCode.Internal);
  assertMatch(own.resetWith?.reason ?? "", /^the client failed: .*a mistake/);
  const large = new Failing(new StreamError(ErrorCode.TooLarge, "a long head"));
  await local.served(large);
  assertEquals(large.resetWith, { code: ErrorCode.TooLarge, reason: "a long head" });
});

Deno.test("LocalHTTP says what a port of TLS or of HTTP/2 alone speaks, whether its server answers or closes without a word", async () => {
  const { certFile, keyFile } = CERTIFICATE;
  const [cert, key] = [Deno.readTextFileSync(certFile), Deno.readTextFileSync(keyFile)];
  const place = { hostname: "127.0.0.1", port: 0, onListen() {} };
  await using tls = Deno.serve({ ...place, cert, key }, () => new Response("ok"));
  // As OpenSSL does: it answers a hello, and closes without a word when it gets a request.
  await using muteTLS = new RawOrigin(async (peer) => {
    if ((await peer.take(1)) === "\x16") await peer.send("\x16\x03\x03\0\x7a");
  });
  await using h2c = new RawOrigin(async (peer) => {
    await peer.take(1);
    await peer.send("\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64");
  });
  await using muteH2C = new RawOrigin(async (peer) => {
    if ((await peer.take(3)) === "PRI") await peer.send("\0\0\0\x04\0\0\0\0\0");
  });
  const origins = [
    [tls.addr.port, "TLS (https)"],
    [muteTLS.port, "TLS (https)"],
    [h2c.port, "HTTP/2 without TLS (h2c)"],
    [muteH2C.port, "HTTP/2 without TLS (h2c)"],
  ] as const;
  for (const [port, spoken] of origins) {
    for (const type of [FrameType.HTTPRequest, FrameType.WSRequest]) {
      const told: string[] = [];
      using local = new TestLocalHTTP(port, (sentence) => told.push(sentence));
      const incoming = new FakeIncoming(type);
      await local.served(incoming);
      assertEquals(incoming.resetWith?.code, ErrorCode.OriginMalformed);
      for (const sentence of [incoming.resetWith?.reason, ...told]) {
        assertStringIncludes(sentence ?? "", `this port speaks ${spoken}, and the client asks in`);
        assertStringIncludes(
          sentence ?? "",
          spoken.startsWith("TLS")
            ? "give the client the service with https:// in front of it"
            : "give the client a port where the service speaks HTTP/1.1",
        );
      }
      assertEquals(told.length, 1);
    }
  }
});

Deno.test("LocalHTTP looks for another protocol at an origin that has not answered yet, and once a minute", async () => {
  await using mute = new RawOrigin((peer) => peer.until().then(() => {}));
  using local = new TestLocalHTTP(mute.port);
  for (let i = 0; i < 5; i++) {
    const incoming = new FakeIncoming();
    await local.served(incoming);
    assertEquals(incoming.resetWith?.code, ErrorCode.OriginCut);
  }
  assertEquals(mute.connections, 5 + 2);
  await using crashing = new RawOrigin(async (peer, index) => {
    await peer.until();
    if (index === 0) {
      await peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    }
  });
  using other = new TestLocalHTTP(crashing.port);
  for (let i = 0; i < 3; i++) await other.served(new FakeIncoming());
  assertEquals(crashing.connections, 3);
});

Deno.test("LocalHTTP tells the owner of TLS behind the 400 that an origin answers with at first", async () => {
  await using origin = new RawOrigin(async (peer) => {
    if ((await peer.take(1)) === "\x16") return await peer.send("\x15\x03\x03\0\x02\x02\x28");
    await peer.until();
    await peer.send("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
  });
  const told = Promise.withResolvers<string>();
  using local = new TestLocalHTTP(origin.port, told.resolve);
  const incoming = new FakeIncoming();
  await local.served(incoming);
  assertEquals([incoming.head?.status, incoming.text], [400, "no"]);
  assertMatch(
    await within(told.promise, "the owner's line"),
    /^127\.0\.0\.1:\d+: this port speaks TLS/,
  );
});

Deno.test("LocalHTTP tells the owner each kind of trouble once, in a sentence that names the rule", async () => {
  const answers = [
    "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "HTTP/1.1 200 OK\r\na\r\n\r\n",
    "HTTP/1.1 200 OK\r\nb\r\n\r\n",
    "HTTP/1.1 200 OK\r\n a: b\r\n\r\n",
  ];
  await using origin = ScriptedOrigin.start(async (exchange) => {
    await exchange.write(answers[origin.requestCount - 1] ?? "");
    exchange.close();
  });
  const told: string[] = [];
  using local = new TestLocalHTTP(origin.port, (sentence) => told.push(sentence));
  for (const _ of answers) await local.served(new FakeIncoming());
  const place = `127.0.0.1:${origin.port}`;
  assertEquals(told, [
    `${place} breaks HTTP: a line ends with LF alone (RFC 9112 section 2.2). ` +
    "Visitors get it mended; such an answer ends its connection.",
    `a visitor got no answer from ${place}: the origin's head is malformed: ` +
    'a field line must be a name, a colon and a value, not "a\\r\\n"',
    `a visitor got no answer from ${place}: the origin's head is malformed: ` +
    'a field line must not begin with a blank, not " a: b\\r\\n"',
  ]);
});

Deno.test("LocalHTTP tells the owner a failure of its own, and none that a visitor caused", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  const told: string[] = [];
  const mistakes: (Error | undefined)[] = [];
  using local = new TestLocalHTTP(origin.port, (sentence, mistake) => {
    told.push(sentence);
    mistakes.push(mistake);
  });
  await local.served(new Failing(new StreamError(ErrorCode.Cancelled, "the visitor has left")));
  await local.served(new FakeIncoming(FrameType.WSRequest), "POST");
  assertEquals(told, []);
  const thrown = [new TypeError("a mistake"), new TypeError("another")];
  for (const mistake of [...thrown, ...thrown]) await local.served(new Failing(mistake));
  const sentence = "a visitor got 502 because of a mistake in this program: please report it";
  assertEquals(told, [sentence, sentence]);
  assertEquals(mistakes, thrown);
});

/** A visitor whose end takes no answer. */
class Failing extends FakeIncoming {
  constructor(readonly error: Error) {
    super();
  }

  override respond(): void {
    throw this.error;
  }
}

/** A service in front of an origin on this machine, which a test's scope closes. */
class TestLocalHTTP extends LocalHTTP implements Disposable {
  constructor(port: number, onTrouble?: TroubleHearer) {
    const origin = { kind: "http", host: "127.0.0.1", port } as const;
    super({ origin, hostHeader: null, ...(onTrouble === undefined ? {} : { onTrouble }) });
  }

  /** Serves an exchange to its end. */
  async served(incoming: FakeIncoming, method = "GET"): Promise<void> {
    await within(this.serve(incoming, requestHead({ method })), "the end of an exchange");
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
