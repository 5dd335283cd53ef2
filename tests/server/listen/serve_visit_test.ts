import { assert, assertEquals, assertRejects } from "@std/assert";
import type {
  Answer,
  BodyPiece,
  BodySource,
  Outcome,
  RequestObserver,
  Visit,
} from "../../../lib/server/listen/visit.ts";
import type { MessageSocket } from "../../../lib/websocket/bridge.ts";
import { FramingError } from "../../testing/byte_reader.ts";
import { CERTIFICATE } from "../../testing/certificate.ts";
import { eventually } from "../../testing/eventually.ts";
import { HTTP2Visitor } from "../../testing/http2_visitor.ts";
import { joined } from "../../testing/frame_peer.ts";
import { answerWith, Listening } from "../../testing/listening.ts";
import { RawHTTP } from "../../testing/raw_http.ts";
import { HTTP2_PREFACE, http2Request, http2Reset } from "../../testing/raw_http2.ts";
import { openWebSocket } from "../../testing/websocket_peer.ts";
import { within } from "../../testing/within.ts";

Deno.test("ServeVisit gives the head as it came, and whom it came from", async () => {
  await using scene = new Scene(({ method, target, scheme, authority, host, peer }) =>
    answerWith([method, target, scheme, authority, host, peer.hostname].join(" "))
  );
  using visitor = await RawHTTP.open(scene.port);
  const ask = async (text: string) => (await visitor.exchange(text)).text;
  assertEquals(
    await ask("PURGE //a/../%2F?x=;y HTTP/1.1\r\nHost: A.test:80\r\n\r\n"),
    "PURGE //a/../%2F?x=;y http A.test:80 A.test:80 127.0.0.1",
  );
  assertEquals(
    await ask("GET http://b.test?c HTTP/1.1\r\nHost: a.test\r\n\r\n"),
    "GET /?c http b.test a.test 127.0.0.1",
  );
  assertEquals(
    await ask("OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n"),
    "OPTIONS * http a.test a.test 127.0.0.1",
  );
});

Deno.test("ServeVisit has no host where Deno makes one up", async () => {
  await using scene = new Scene(({ host }) => answerWith(String(host)));
  using visitor = await RawHTTP.open(scene.port);
  assertEquals((await visitor.exchange("GET / HTTP/1.1\r\n\r\n")).text, "null");
});

Deno.test("ServeVisit has over HTTP/2 the host that :authority names, among the fields too", async () => {
  await using scene = new Scene(
    ({ host, fields }) => answerWith(`${host} ${fields.filter(([name]) => name === "host")}`),
    { tls: true },
  );
  await using visitor = new HTTP2Visitor(scene.port);
  const named = { ":path": "/", ":authority": "A.test" };
  assertEquals((await visitor.request(named)).text, "A.test host,A.test");
  assertEquals((await visitor.request({ ...named, host: "b.test" })).text, "b.test host,b.test");
});

Deno.test("ServeVisit tells what its listener speaks, whatever scheme a visitor names", async (t) => {
  const tell = ({ listeningSocket, host }: Visit) =>
    answerWith(`${listeningSocket.scheme} ${host}`);
  await t.step("in an absolute-form target", async () => {
    await using scene = new Scene(tell);
    using visitor = await RawHTTP.open(scene.port);
    const ask = async (text: string) => (await visitor.exchange(text)).text;
    assertEquals(await ask("GET https://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n"), "http a.test");
    assertEquals(await ask("GET https://a.test/ HTTP/1.1\r\n\r\n"), "http null");
  });
  await t.step("in :scheme", async () => {
    await using scene = new Scene(tell, { tls: true });
    await using visitor = new HTTP2Visitor(scene.port);
    const named = { ":path": "/", ":authority": "a.test", ":scheme": "http" };
    assertEquals((await visitor.request(named)).text, "https a.test");
  });
});

Deno.test("ServeVisit gives fields with names in lower case and values in Latin-1, and one length for equal ones", async () => {
  await using scene = new Scene((visit) => {
    visit.dropBody();
    return answerWith(JSON.stringify(visit.fields));
  });
  using visitor = await RawHTTP.open(scene.port);
  const { text } = await visitor.exchange(
    "POST / HTTP/1.1\r\nHost: a\r\nX-A: caf\xe9\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",
  );
  assertEquals(JSON.parse(text), [["content-length", "2"], ["host", "a"], ["x-a", "caf\xe9"]]);
});

Deno.test("ServeVisit.readBody reads what came, with a length and in chunks, and is the same reader at each call", async () => {
  await using scene = new Scene(async (visit) => {
    const reader = visit.readBody();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      text += new TextDecoder().decode(value);
    }
    return answerWith(`${JSON.stringify(visit.framing)} ${text} ${visit.readBody() === reader}`);
  });
  using visitor = await RawHTTP.open(scene.port);
  const post = async (rest: string) =>
    (await visitor.exchange(`POST / HTTP/1.1\r\nHost: a\r\n${rest}`)).text;
  assertEquals(await post("Content-Length: 3\r\n\r\nabc"), '{"kind":"body","length":3} abc true');
  assertEquals(
    await post("Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"),
    '{"kind":"body","length":null} abc true',
  );
});

Deno.test("ServeVisit.dropBody takes a body that nobody wants, also one that is being read", async () => {
  for (const isBegun of [false, true]) {
    await using scene = new Scene((visit) => {
      if (isBegun) visit.readBody();
      visit.dropBody();
      return answerWith("no", 413);
    });
    using visitor = await RawHTTP.open(scene.port);
    const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
    const { status } = await visitor.exchange(
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${
        chunk.repeat(20)
      }0\r\n\r\n`,
    );
    assertEquals(status, 413);
  }
});

Deno.test("ServeVisit.respond gives HEAD the length that is told, and none where none is", async () => {
  await using scene = new Scene(({ target }) => {
    if (target === "/whole") return answerWith("four");
    const fields = target === "/told" ? [["content-length", "7"]] as const : [];
    return { status: 200, fields, body: null };
  });
  using visitor = await RawHTTP.open(scene.port);
  const lengthOf = async (target: string) => {
    const { head } = await visitor.exchange(`HEAD ${target} HTTP/1.1\r\nHost: a\r\n\r\n`, "HEAD");
    return head.get("content-length") ?? null;
  };
  assertEquals([await lengthOf("/whole"), await lengthOf("/told")], ["4", "7"]);
  assertEquals(await lengthOf("/unknown"), null);
  assertEquals(scene.outcomes.map(({ sent }) => sent), [0, 0, 0]);
});

Deno.test("ServeVisit.respond sends 204 for a 205 that its visitor could not see the end of", async () => {
  await using scene = new Scene(() => ({ status: 205, fields: [], body: null }));
  using visitor = await RawHTTP.open(scene.port);
  const kept = await visitor.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const last = await visitor.exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  assertEquals([kept.status, last.status], [204, 205]);
  assertEquals(scene.outcomes.map(({ status }) => status), [204, 205]);
});

Deno.test("ServeVisit.respond reads a body only as fast as the visitor takes it, and tells of the end then", async () => {
  const source = new CountedSource(1_000);
  await using scene = new Scene(() => ({ status: 200, fields: [], body: source }));
  using visitor = await RawHTTP.open(scene.port);
  await visitor.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const { body } = await visitor.receive();
  assert(source.count < 1_000, `${source.count} pieces were read ahead`);
  assertEquals(scene.outcomes, []);
  assertEquals((await body.readAll()).length, 1_000 * PIECE);
  await eventually("the outcome", () => scene.outcomes.length === 1);
  const [outcome] = scene.outcomes;
  assertEquals([outcome?.status, outcome?.sent], [200, 1_000 * PIECE]);
  assert((outcome?.time ?? 0) >= (outcome?.headTime ?? Infinity));
});

Deno.test("ServeVisit.respond cuts the connection of a body that breaks off, and tells of it once", async () => {
  await using scene = new Scene(() => {
    const pieces = [new Uint8Array(3)];
    return {
      status: 200,
      fields: [],
      body: {
        read() {
          const bytes = pieces.shift();
          if (bytes === undefined) throw new Error("the origin is gone");
          return { bytes };
        },
        cancel() {},
      },
    };
  });
  using visitor = await RawHTTP.open(scene.port);
  await visitor.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const { body } = await visitor.receive();
  const { code } = await assertRejects(() => body.readAll(), FramingError);
  assertEquals(code, "truncated");
  assertEquals(scene.outcomes.map(({ sent }) => sent), [3]);
});

Deno.test("ServeVisit.respond cancels the body of a visitor that leaves while it comes", async () => {
  const source = new CountedSource(Infinity);
  await using scene = new Scene(() => ({ status: 200, fields: [], body: source }));
  const visitor = await RawHTTP.open(scene.port);
  await visitor.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await visitor.receive();
  visitor.close();
  await within(source.cancelled, "the end of the body");
  await eventually("the outcome", () => scene.outcomes.length === 1);
});

Deno.test("ServeVisit.watch tells of a visitor that leaves, and of no other", async () => {
  const left: string[] = [];
  const arrived: string[] = [];
  const done = Promise.withResolvers<void>();
  await using scene = new Scene(async (visit) => {
    const gone = Promise.withResolvers<void>();
    const leave = (): void => {
      left.push(visit.target);
      gone.resolve();
    };
    const watch = visit.watch({ leave });
    arrived.push(visit.target);
    await (visit.target === "/stays" ? done.promise : gone.promise);
    watch.end();
    return answerWith("bye");
  });
  const visit = async (target: string) => {
    const visitor = await RawHTTP.open(scene.port);
    await visitor.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    return visitor;
  };
  using stays = await visit("/stays");
  using leaves = await visit("/leaves");
  await eventually("both visitors", () => arrived.length === 2);
  leaves.close();
  await eventually("one to leave", () => left.length === 1);
  done.resolve();
  assertEquals((await stays.receiveAll()).text, "bye");
  assertEquals(left, ["/leaves"]);
});

Deno.test("ServeVisit.watch tells of each HTTP/2 stream that is reset, at once or later", async () => {
  /** Fewer than Deno itself ends a connection for. */
  const STREAMS = 10;
  let left = 0;
  await using scene = new Scene(async (visit) => {
    const gone = Promise.withResolvers<void>();
    const leave = (): void => {
      left++;
      gone.resolve();
    };
    const watch = visit.watch({ leave });
    await gone.promise;
    watch.end();
    return answerWith("nobody sees it");
  });
  for (const isAtOnce of [true, false]) {
    using visitor = await RawHTTP.open(scene.port);
    const before = scene.visits;
    await visitor.send(HTTP2_PREFACE);
    for (let i = 0; i < STREAMS; i++) {
      const id = 2 * i + 1;
      if (isAtOnce) {
        await visitor.send(joined(http2Request(id, HTTP2_GET), http2Reset(id)));
      } else {
        await visitor.send(http2Request(id, HTTP2_GET));
        await eventually("the visit", () => scene.visits === before + i + 1);
        await visitor.send(http2Reset(id));
      }
    }
    await eventually("all visits", () => scene.visits === before + STREAMS);
    await eventually("the end of all that came", () => left === scene.visits);
  }
});

Deno.test("ServeVisit.accept opens a WebSocket with its subprotocol and fields, which is over at its end", async () => {
  const sockets: MessageSocket[] = [];
  await using scene = new Scene((visit) => {
    const socket = visit.accept({
      protocol: "b",
      idleTimeout: 0,
      onOpen: () => {
        visit.sent += 5;
        socket.send("hello");
      },
    });
    sockets.push(socket);
    return { status: 101, fields: [["x-a", "1"]], body: null };
  });
  using visitor = await openWebSocket(`ws://127.0.0.1:${scene.port}/`, { offered: ["a", "b"] });
  assertEquals([visitor.socket.protocol, await visitor.next()], ["b", "hello"]);
  assertEquals(scene.outcomes, []);
  sockets[0]?.close(1000, "");
  await visitor.closed;
  await eventually("the outcome", () => scene.outcomes.length === 1);
  assertEquals([scene.outcomes[0]?.status, scene.outcomes[0]?.sent], [101, 5]);
});

Deno.test("ServeVisit.accept takes one of the subprotocols that are offered, however the list is written", async () => {
  await using scene = new Scene((visit) => {
    visit.accept({ protocol: "b", idleTimeout: 0, onOpen() {} });
    return { status: 101, fields: [], body: null };
  });
  const handshake = async (offered: string) => {
    using visitor = await RawHTTP.open(scene.port);
    await visitor.send(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${offered}\r\n`,
    );
    return await visitor.receive();
  };
  for (const list of ["a,b", "a, b", "b"]) {
    const { status, head } = await handshake(`Sec-WebSocket-Protocol: ${list}\r\n`);
    assertEquals([status, head.get("sec-websocket-protocol")], [101, "b"], list);
  }
  for (const line of ["Sec-WebSocket-Protocol: a, bb\r\n", ""]) {
    assertEquals((await handshake(line)).status, 500, line);
  }
});

Deno.test("A visit that fails inside the server is answered and told of, whether before its answer or with it", async () => {
  await using scene = new Scene(({ target }) => {
    if (target === "/throws") throw new Error("a mistake");
    return { status: 42, fields: [], body: null };
  });
  using visitor = await RawHTTP.open(scene.port);
  for (const target of ["/throws", "/nonsense"]) {
    assertEquals((await visitor.exchange(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)).status, 500);
  }
  assertEquals(scene.outcomes.map(({ status, code }) => [status, code]), [
    [500, "internal"],
    [500, "internal"],
  ]);
});

/** A request that has no Host, as most of HTTP/2. */
const HTTP2_GET = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/"],
  [":authority", "a.test"],
] as const;

/** Bytes of a piece: more than is read ahead of it, many times over. */
const PIECE = 64 * 1024;

/** A body of so many pieces, which counts those that were asked for. */
class CountedSource implements BodySource {
  /** Pieces that were read. */
  count = 0;
  readonly #most: number;
  readonly #cancelled = Promise.withResolvers<void>();

  constructor(most: number) {
    this.#most = most;
  }

  get cancelled(): Promise<void> {
    return this.#cancelled.promise;
  }

  read(): BodyPiece | null {
    if (this.count === this.#most) return null;
    this.count++;
    return { bytes: new Uint8Array(PIECE) };
  }

  cancel(): void {
    this.#cancelled.resolve();
  }
}

/** A listener whose visits are answered by the test, and what became of them. */
class Scene extends Listening implements RequestObserver {
  readonly outcomes: (Outcome & { readonly sent: number })[] = [];
  visits = 0;

  constructor(
    handle: (visit: Visit) => Answer | Promise<Answer>,
    { tls = false }: { readonly tls?: boolean } = {},
  ) {
    const observers: RequestObserver[] = [];
    const cert = Deno.readTextFileSync(CERTIFICATE.certFile);
    const key = Deno.readTextFileSync(CERTIFICATE.keyFile);
    super((visit) => {
      this.visits++;
      return handle(visit);
    }, { observers, tls: tls ? { cert, key } : null });
    observers.push(this);
  }

  finished({ sent }: Visit, outcome: Outcome): void {
    this.outcomes.push({ ...outcome, sent });
  }
}
