import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Field } from "../../../../lib/http/fields.ts";
import { USUAL_BOUNDS } from "../../../../lib/server/listen/connection_bounds.ts";
import type { Answer, BodyReader, Visit } from "../../../../lib/server/listen/visit.ts";
import { CERTIFICATE } from "../../../testing/certificate.ts";
import { eventually } from "../../../testing/eventually.ts";
import { toText } from "../../../testing/latin1.ts";
import { answerWith } from "../../../testing/listening.ts";
import { RawHTTP } from "../../../testing/raw_http.ts";
import { HANDSHAKE } from "../../../testing/websocket_frame.ts";
import { within } from "../../../testing/within.ts";
import { CountedSource, PIECE, Scene } from "../scene.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n";

Deno.test("OwnListener gives fields in the order in which they came, and one length for equal ones", async () => {
  await using scene = new Scene("own", ({ fields }) => answerWith(JSON.stringify(fields)));
  using visitor = await RawHTTP.open(scene.port);
  const { text } = await visitor.exchange(
    "POST / HTTP/1.1\r\nX-B: 1\r\nHost: a\r\nX-A: caf\xe9\r\nX-B: 2\r\nContent-Length: 0\r\n" +
      "Content-Length: 00\r\n\r\n",
  );
  assertEquals(JSON.parse(text), [
    ["x-b", "1"],
    ["host", "a"],
    ["x-a", "caf\xe9"],
    ["x-b", "2"],
    ["content-length", "0"],
  ]);
});

Deno.test("OwnListener answers requests in a row in their order, however their bytes arrive", async () => {
  await using scene = new Scene("own", async ({ target }) => {
    if (target === "/0") await new Promise((resolve) => setTimeout(resolve, 20));
    return answerWith(target);
  });
  const requests = Array.from(
    { length: 50 },
    (_, i) =>
      i % 3 === 0
        ? `POST /${i} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`
        : `\r\nGET /${i} HTTP/1.1\r\nHost: a\r\n\r\n`,
  ).join("");
  for (const size of [requests.length, 7]) {
    using visitor = await RawHTTP.open(scene.port);
    const sending = (async () => {
      for (let at = 0; at < requests.length; at += size) {
        await visitor.send(requests.slice(at, at + size));
      }
    })();
    for (let i = 0; i < 50; i++) assertEquals((await visitor.receiveAll()).text, `/${i}`);
    await sending;
  }
});

Deno.test("OwnListener sends trailers behind a body in chunks, however long both are, and behind no other", async () => {
  const trailers = [["x-sum", "1"], ["x-long", "y".repeat(16_000)]] satisfies Field[];
  await using scene = new Scene("own", ({ target }) => ({
    status: 200,
    fields: target === "/" ? [] : [["content-length", `${PIECE}`]],
    body: Object.assign(new CountedSource(1), { trailers }),
  }));
  const lines = trailers.map(([name, value]) => `${name}: ${value}`);
  for (const [target, length, expected] of [["/", PIECE, lines], ["/length", PIECE, []]] as const) {
    using visitor = await RawHTTP.open(scene.port);
    await visitor.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const { body } = await visitor.receive();
    assertEquals((await body.readAll()).length, length);
    assertEquals(body.trailers, expected);
    // What follows is the next answer.
    await visitor.send(`GET /length HTTP/1.1\r\nHost: a\r\n\r\n`);
    assertEquals((await visitor.receiveAll()).status, 200);
  }
});

Deno.test("OwnListener sends interim heads in order, and keeps 16 KiB of them for a visitor who reads slowly", async () => {
  const fields = [["link", "x".repeat(1_000)]] satisfies Field[];
  const length = "HTTP/1.1 150 \r\nlink: \r\n\r\n".length + 1_000;
  await using scene = new Scene("own", (visit) => {
    // Nothing is written before this returns but the first.
    for (let i = 0; i < 50; i++) visit.sendInterim({ status: 150 + i, fields });
    return answerWith("here");
  });
  const kept = 1 + Math.floor(16 * 1024 / length);
  using visitor = await RawHTTP.open(scene.port);
  for (let request = 0; request < 2; request++) {
    const { interim, text } = await visitor.exchange(`${GET}\r\n`);
    const lines = Array.from({ length: kept }, (_, i) => `HTTP/1.1 ${150 + i} `);
    assertEquals([interim.map(({ startLine }) => startLine), text], [lines, "here"]);
  }
});

Deno.test("OwnListener carries the body of any method, and takes the next request behind it", async () => {
  await using scene = new Scene("own", async (visit) => {
    return answerWith(`${visit.method} ${await textOf(visit.readBody())}`);
  });
  using visitor = await RawHTTP.open(scene.port);
  for (const method of ["GET", "DELETE", "x-y"]) {
    const { text } = await visitor.exchange(
      `${method} / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n0\r\nT: u\r\n\r\n`,
    );
    assertEquals(text, `${method} ab`);
  }
  await visitor.send(
    `HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx${GET}Content-Length: 1\r\n\r\ny`,
  );
  assertEquals((await visitor.receiveAll("HEAD")).text, "");
  assertEquals((await visitor.receiveAll()).text, "GET y");
});

Deno.test("OwnListener keeps a connection of HTTP/1.0 where that is asked for, and ends others with their answer", async () => {
  const pieces = (): Answer => ({ status: 200, fields: [], body: new CountedSource(2) });
  await using scene = new Scene(
    "own",
    ({ target }) => target === "/pieces" ? pieces() : answerWith("here"),
  );
  using kept = await RawHTTP.open(scene.port);
  for (let i = 0; i < 2; i++) {
    const { head, text } = await kept.exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assertEquals([head.get("connection"), head.get("content-length"), text], [
      "keep-alive",
      "4",
      "here",
    ]);
  }
  using last = await RawHTTP.open(scene.port);
  await last.send("GET / HTTP/1.0\r\n\r\n");
  assert((await last.readToEnd()).endsWith("\r\n\r\nhere"));
  // Nothing but the end of the connection tells where such a body ends.
  using streamed = await RawHTTP.open(scene.port);
  await streamed.send("GET /pieces HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const answer = await streamed.readToEnd();
  assert(!/transfer-encoding|keep-alive/i.test(answer.slice(0, 500)));
  assertEquals(answer.length - answer.indexOf("\r\n\r\n") - 4, 2 * PIECE);
});

Deno.test("OwnListener frames each answer by its status and method", async () => {
  const statuses = new Map<string, Answer>([
    ["/204", { status: 204, fields: [["content-length", "3"]], body: null }],
    ["/205", { status: 205, fields: [], body: null }],
    ["/304", { status: 304, fields: [["content-length", "3"]], body: null }],
    ["/null", { status: 200, fields: [], body: null }],
    ["/whole", answerWith("four")],
    ["/pieces", { status: 200, fields: [], body: new CountedSource(0) }],
  ]);
  await using scene = new Scene("own", ({ target }) => statuses.get(target) ?? answerWith("?"));
  using visitor = await RawHTTP.open(scene.port);
  const framing = async (method: string, target: string) => {
    const { status, head } = await visitor.exchange(
      `${method} ${target} HTTP/1.1\r\nHost: a\r\n\r\n`,
      method,
    );
    return [status, ...head.all("content-length"), ...head.all("transfer-encoding")];
  };
  assertEquals(await framing("GET", "/204"), [204]);
  assertEquals(await framing("GET", "/205"), [205, "0"]);
  assertEquals(await framing("GET", "/304"), [304, "3"]);
  assertEquals(await framing("GET", "/null"), [200, "0"]);
  assertEquals(await framing("GET", "/whole"), [200, "4"]);
  assertEquals(await framing("HEAD", "/whole"), [200, "4"]);
  assertEquals(await framing("GET", "/pieces"), [200, "chunked"]);
  assertEquals(await framing("HEAD", "/pieces"), [200]);
});

Deno.test("OwnListener answers a visitor that has ended its side, whether it waits long or not", async () => {
  const asked = Promise.withResolvers<void>();
  const left: string[] = [];
  const answer = Promise.withResolvers<void>();
  await using scene = new Scene("own", async (visit) => {
    visit.watch({ leave: () => left.push(visit.target) });
    asked.resolve();
    if (visit.target === "/slow") await answer.promise;
    if (visit.target === "/pieces") return { status: 200, fields: [], body: new PacedSource() };
    return answerWith("here");
  });
  for (const target of ["/", "/pieces"]) {
    using visitor = await RawHTTP.open(scene.port);
    await visitor.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await visitor.closeWrite();
    const { text } = await visitor.receiveAll();
    assertEquals(text, target === "/" ? "here" : "abc");
    assertEquals(await visitor.readNext(), null);
  }
  using several = await RawHTTP.open(scene.port);
  await several.send(`${GET}\r\n`.repeat(3));
  await several.closeWrite();
  for (let i = 0; i < 3; i++) assertEquals((await several.receiveAll()).text, "here");
  assertEquals(await several.readNext(), null);
  using visitor = await RawHTTP.open(scene.port);
  await visitor.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  await visitor.closeWrite();
  await within(asked.promise, "the request");
  // The beginning of its answer comes octet by octet.
  let start = "";
  while (start.length < 3) start += await visitor.readNext();
  answer.resolve();
  const text = start + await visitor.readToEnd();
  assert(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nhere$/.test(text), text);
  assertEquals(left, []);
});

Deno.test("OwnListener asks for a body that is held back when somebody wants it, and not before", async () => {
  await using scene = new Scene("own", async (visit) => {
    return visit.target === "/refused"
      ? answerWith("no", 413)
      : answerWith(await textOf(visit.readBody()));
  });
  const expecting = (target: string) =>
    `POST ${target} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`;
  using visitor = await RawHTTP.open(scene.port);
  await visitor.send(expecting("/"));
  assertEquals((await visitor.receiveHead()).startLine, "HTTP/1.1 100 Continue");
  await visitor.send("hello");
  assertEquals((await visitor.receiveAll()).text, "hello");
  // Who has the body sent already need not be asked for it.
  const { interim, text } = await visitor.exchange(`${expecting("/")}hello`);
  assertEquals([interim.length, text], [0, "hello"]);
  await visitor.send(expecting("/refused"));
  const { status, head } = await visitor.receiveAll();
  assertEquals([status, head.get("connection")], [413, "close"]);
  assertEquals(await visitor.readNext(), null);
});

Deno.test("OwnListener passes over an upgrade to anything but WebSocket, and takes a handshake with a length of nothing", async () => {
  await using scene = new Scene("own", async (visit) => {
    if (visit.framing.kind === "body") return answerWith(await textOf(visit.readBody()));
    visit.accept({ idleTimeout: 0, onOpen() {} });
    return { status: 101, fields: [], body: null };
  });
  using visitor = await RawHTTP.open(scene.port);
  const { text } = await visitor.exchange(
    "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" +
      "HTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 5\r\n\r\nhello",
  );
  assertEquals(text, "hello");
  const lines = HANDSHAKE.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  await visitor.send(`${GET}${lines}Content-Length: 0\r\n\r\n`);
  const { status, head } = await visitor.receive();
  assertEquals([status, head.get("sec-websocket-accept")], [101, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]);
});

Deno.test("OwnListener says why it refuses a head, and ends the connection behind that", async () => {
  await using scene = new Scene("own", () => answerWith("here"));
  const refused = async (bytes: string) => {
    using visitor = await RawHTTP.open(scene.port);
    await visitor.send(bytes);
    const { status, head, text } = await visitor.receiveAll();
    assertEquals([head.get("connection"), await visitor.readNext()], ["close", null]);
    assert(text.startsWith(`${status} `), text);
    return status;
  };
  assertEquals(await refused(`${GET}Host: b\r\n\r\n${GET}\r\n`), 400);
  assertEquals(await refused(`${GET}Transfer-Encoding: gzip, chunked\r\n\r\n`), 501);
  assertEquals(await refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
  assertEquals(await refused("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 400);
  assertEquals(await refused(`GET /${"a".repeat(65_536)}`), 414);
  assertEquals(await refused(`${GET}${"X: y\r\n".repeat(200)}\r\n`), 431);
  assertEquals(scene.visits, 0);
});

Deno.test("OwnListener takes no request behind a body that is malformed or breaks off", async () => {
  await using scene = new Scene("own", async (visit) => {
    try {
      return answerWith(await textOf(visit.readBody()));
    } catch {
      return answerWith("broken", 400);
    }
  });
  const post = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (
    const chunks of [
      "5\nhello\r\n0\r\n\r\n",
      "5\r\nhello\n0\r\n\r\n",
      "x\r\n",
      "5 \r\nhello\r\n0\r\n\r\n",
    ]
  ) {
    using visitor = await RawHTTP.open(scene.port);
    await visitor.send(`${post}${chunks}${GET}\r\n`);
    const { status, head } = await visitor.receiveAll();
    assertEquals([status, head.get("connection"), await visitor.readNext()], [400, "close", null]);
  }
  using visitor = await RawHTTP.open(scene.port);
  await visitor.send(`${post}5\r\nhel`);
  await visitor.closeWrite();
  assertEquals((await visitor.receiveAll()).status, 400);
});

Deno.test("OwnListener lets a visitor read its answer though it sends a body that nobody wants", async () => {
  await using scene = new Scene("own", (visit) => {
    visit.dropBody();
    return answerWith("no", 413);
  });
  using visitor = await RawHTTP.open(scene.port);
  // A short rest is read, and the connection goes on; behind a long one it ends.
  const short = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n${
    "x".repeat(100_000)
  }`;
  for (let i = 0; i < 2; i++) assertEquals((await visitor.exchange(short)).status, 413);
  await visitor.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n");
  const { status, head } = await visitor.receiveAll();
  assertEquals([status, head.get("connection")], [413, "close"]);
  await visitor.send("x".repeat(1_000_000));
  await visitor.closeWrite();
  assertEquals(await visitor.readToEnd(), "");
});

Deno.test("OwnListener that is shut ends idle connections, and others with the answer in flight", async () => {
  const answer = Promise.withResolvers<void>();
  await using scene = new Scene("own", async () => {
    await answer.promise;
    return answerWith("last");
  });
  using idle = await RawHTTP.open(scene.port);
  using begun = await RawHTTP.open(scene.port);
  await begun.send("GET / HT");
  using busy = await RawHTTP.open(scene.port);
  await busy.send(`${GET}\r\n`);
  await eventually("the request", () => scene.visits === 1 && scene.open === 3);
  const shut = scene.shutdown();
  for (const visitor of [idle, begun]) assertEquals(await visitor.readToEnd(), "");
  answer.resolve();
  const { text, head } = await busy.receiveAll();
  assertEquals([text, head.get("connection"), await busy.readNext()], ["last", "close", null]);
  busy.close();
  await within(shut, "the shutdown");
});

Deno.test("OwnListener takes from a trusted proxy whom a connection comes from, and nothing without that", async () => {
  const isProxy = (address: string) => address === "127.0.0.1";
  const tell = ({ peer, target }: Visit) => answerWith(`${peer.hostname}:${peer.port} ${target}`);
  await using scene = new Scene("own", tell, {
    proxyProtocol: true,
    bounds: { ...USUAL_BOUNDS, isProxy },
  });
  const v1 = "PROXY TCP4 192.0.2.7 192.0.2.1 54321 80\r\n";
  for (const pieces of [[`${v1}${GET}\r\n`], [v1.slice(0, 9), v1.slice(9), `${GET}\r\n`]]) {
    using visitor = await RawHTTP.open(scene.port);
    for (const piece of pieces) await visitor.send(piece);
    assertEquals((await visitor.receiveAll()).text, "192.0.2.7:54321 /");
    assertEquals((await visitor.exchange(`${GET}\r\n`)).text, "192.0.2.7:54321 /");
  }
  using unsaid = await RawHTTP.open(scene.port);
  await unsaid.send(`${GET}\r\n`);
  assertEquals(await unsaid.readToEnd(), "");

  await using untrusted = new Scene("own", tell, { proxyProtocol: true });
  using direct = await RawHTTP.open(untrusted.port);
  assertEquals((await direct.exchange(`${v1}${GET}\r\n`)).status, 400);
});

Deno.test("OwnListener speaks HTTP/1.1 over TLS, and nothing else", async () => {
  await using scene = new Scene(
    "own",
    ({ scheme, listeningSocket, target }) =>
      answerWith(`${scheme} ${listeningSocket.scheme} ${target}`),
    { tls: true, hsts: 60 },
  );
  const certificate = await Deno.readTextFile(CERTIFICATE.certFile);
  using visitor = await RawHTTP.openTLS(scene.port, certificate);
  for (let i = 0; i < 20; i++) {
    const { text, head } = await visitor.exchange(`GET /${i} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assertEquals([text, head.get("strict-transport-security")], [
      `https https /${i}`,
      "max-age=60",
    ]);
  }
  const alpnProtocols = ["h2"];
  const place = { hostname: "127.0.0.1", port: scene.port, caCerts: [certificate], alpnProtocols };
  using other = await Deno.connectTls(place);
  await assertRejects(() => other.handshake());
});

async function textOf(reader: BodyReader): Promise<string> {
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += toText(value);
  }
}

/** A body whose pieces come one after the other. */
class PacedSource {
  readonly #pieces = ["a", "b", "c"];

  async read() {
    await new Promise((resolve) => setTimeout(resolve, 250));
    const piece = this.#pieces.shift();
    return piece === undefined ? null : { bytes: new TextEncoder().encode(piece) };
  }

  cancel(): void {}
}
