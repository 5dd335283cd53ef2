import { assert, assertEquals, assertGreater, assertMatch, assertNotMatch } from "@std/assert";
import { decodeBase64Url } from "@std/encoding/base64url";
import { ErrorCode } from "../../lib/wire/errors.ts";
import { FEATURES } from "../../lib/wire/features.ts";
import { FrameFlag, FrameType } from "../../lib/wire/frame.ts";
import { decodeRequest } from "../../lib/wire/messages.ts";
import { runToEnd } from "../testing/ended_program.ts";
import {
  coded,
  frameOf,
  type FramePeer,
  joined,
  openingOf,
  u32,
  UNKNOWN_FRAMES,
} from "../testing/frame_peer.ts";
import { goldenFrame } from "../testing/golden_frames.ts";
import { Program } from "../testing/program.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { challengeWith, register, ScriptedServer } from "../testing/scripted_server.ts";
import { SeededRandom } from "../testing/seeded_random.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { rawHead } from "../testing/heads.ts";
import { decodeResponseHead } from "../../lib/wire/head.ts";

const KIB = 1024;
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Bytes of answer that the server lets come. */
const WINDOW = 100_000;

/** The WebSocket's own close code for a message that is too long. */
const TOO_BIG = 1009;

const { Data, Disconnect, HTTPRequest, HTTPResponse, Ping, Pong, Reset, Window, WSRequest } =
  FrameType;

Deno.test("A server that breaks the protocol loses its session, and the client connects again", async (t) => {
  const random = new SeededRandom();
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await ScriptedServer.start();
  await using story = await startStory(server, origin);
  let { client } = story;
  const messages: Record<string, Uint8Array<ArrayBuffer>> = {
    "an empty message": new Uint8Array(0),
    "random bytes": random.bytes(5_000),
    "a frame cut short": frameOf(Ping, { payload: "12345678" }).subarray(0, 12),
    "a length of 4 GiB": joined(new Uint8Array([HTTPRequest, 0]), u32(1), u32(0xffff_ffff)),
    "a head above its limit": frameOf(HTTPRequest, {
      stream: 1,
      payload: "x".repeat(300 * KIB),
    }),
    "a message above 1 MiB": new Uint8Array(1_100 * KIB),
    "a request on stream 0": frameOf(HTTPRequest, { payload: openingOf(WINDOW) }),
    "a stream opened twice": joined(request(5), request(5)),
    "a stream id that goes back": joined(request(5), request(4)),
    "a body on a stream that was never opened": frameOf(Data, { stream: 7, payload: "x" }),
    "an answer": frameOf(HTTPResponse, { stream: 99, payload: "200\r\n" }),
    "another registration": frameOf(FrameType.RegistrationChallenge, { payload: "{}" }),
    "a credit above all bounds": joined(
      frameOf(HTTPRequest, { stream: 1, payload: openingOf(0x7fff_ffff) }),
      frameOf(Window, { stream: 1, payload: u32(0x7fff_ffff) }),
    ),
    "more body than the window": joined(
      frameOf(HTTPRequest, { stream: 1, payload: openingOf(WINDOW, POST) }),
      ...Array.from(
        { length: 12 },
        () => frameOf(Data, { stream: 1, payload: new Uint8Array(64 * KIB) }),
      ),
    ),
    "a storm of pings": joined(
      ...Array.from({ length: 1_000 }, () => frameOf(Ping, { payload: "12345678" })),
    ),
  };
  for (const [name, message] of Object.entries(messages)) {
    await t.step(name, async () => {
      client.sendBytes(message);
      const { code } = await client.closed;
      const disconnect = client.take().findLast(({ type }) => type === Disconnect);
      client = await server.nextRegistered();
      // What is longer than a message may be is not read at all (RFC 6455 section 7.4.1).
      if (code !== TOO_BIG) {
        assert(disconnect !== undefined, "the client closed without a Disconnect");
        assertGreater((disconnect.payload[0] ?? 0) * 256 + (disconnect.payload[1] ?? 0), 0);
      }
      await assertServes(client, 1);
    });
  }
  assertEquals(story.program.stdout.all.length, 1);
});

Deno.test("A client with --once exits with status 1 when its connection ended by a fault, and tells which", async () => {
  await using server = await ScriptedServer.start();
  await using folder = await TempDir.make();
  const ending = runToEnd("client.ts", [
    ...["--once", "--key", `${folder.path}/key.pem`, "--server", `http://127.0.0.1:${server.port}`],
  ]);
  const [first] = [await server.nextRegistered(), await server.nextRegistered()];
  const goAway = joined(coded(ErrorCode.GoingAway), new Uint8Array([2]), encoder.encode("restart"));
  first.send(Disconnect, { payload: goAway });
  // Together with the fault it would tell nothing any more.
  first.send(Ping, { payload: "12345678" });
  await first.next(Pong);
  first.send(HTTPResponse, { stream: 99, payload: "200\r\n" });
  const { code, stderr } = await ending;
  assertEquals(code, 1);
  assertMatch(stderr, /told to leave .*: restart; serving until it closes the connection\n/);
  assertMatch(stderr, /not connected to .*: an unexpected HTTPResponse .*\n$/);
});

Deno.test("A server that sends rubbish in place of its part of the registration is tried again", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await ScriptedServer.start();
  await using story = await startStory(server, origin);
  const { RegistrationChallenge, RegistrationResponse } = FrameType;
  story.client.sendBytes(new Uint8Array(0));
  for (
    const [name, ...frames] of [
      ["an empty message", new Uint8Array(0)],
      ["features that are no list", challengeWith({})],
      ["a request", request(1)],
      ["a challenge without a nonce", frameOf(RegistrationChallenge, { payload: "{}" })],
      ["a challenge that is no JSON", frameOf(RegistrationChallenge, { payload: "}{" })],
      ["an answer without URLs", CHALLENGE, frameOf(RegistrationResponse, { payload: "{}" })],
      ["an answer that is no JSON", CHALLENGE, frameOf(RegistrationResponse, { payload: "}{" })],
      ["a refusal for now", CHALLENGE, refusal("try_again")],
      ["a refusal for a reason of its own", CHALLENGE, refusal("phase_of_the_moon")],
    ] as const
  ) {
    const goesOn = await t.step(name, async () => {
      const client = await server.next();
      for (const frame of frames) client.sendBytes(frame);
      await client.closed;
      const next = await server.nextRegistered();
      await assertServes(next, 1);
      next.sendBytes(new Uint8Array(0));
    });
    // Without a client there is nothing more to be seen.
    if (!goesOn) break;
  }
});

Deno.test("A client works with a server of any features, and ignores frames that nobody knows", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await ScriptedServer.start();
  await using story = await startStory(server, origin);
  let { client } = story;
  for (
    const [name, offered, claimed] of [
      ["none, as an old server", undefined, undefined],
      ["an empty list", [], undefined],
      ["others", ["later", "2"], undefined],
      ["its own and others", ["later", ...FEATURES, "2"], [...FEATURES]],
    ] as const
  ) {
    await t.step(name, async () => {
      client.sendBytes(new Uint8Array(0));
      client = await server.next();
      client.sendBytes(UNKNOWN_FRAMES);
      const payload = await register(client, offered);
      assertEquals(claimOf(payload).features, claimed);
      client.sendBytes(joined(UNKNOWN_FRAMES, goldenFrame("notice").bytes));
      await assertServes(client, 1);
      client.sendBytes(UNKNOWN_FRAMES);
      await assertServes(client, 2);
    });
  }
});

Deno.test("what a server says is shown on one line, without what drives a terminal", async (t) => {
  const evil = "a\x1b]0;title\x07\u202e\r\nhttp://b.example";
  await using server = await ScriptedServer.start();
  await using folder = await TempDir.make();
  const args = ["--once", "--connections", "1", "--key", `${folder.path}/key.pem`];
  args.push("--server", `http://127.0.0.1:${server.port}`);
  for (
    const [name, answer] of [
      ["a refusal", { error: { code: "bad_key", message: evil, permanent: true } }],
      ["a public URL", { id: "a", hostnames: ["a"], urls: [`http://${evil}`] }],
    ] as const
  ) {
    await t.step(name, async () => {
      const ending = runToEnd("client.ts", args);
      const client = await server.next();
      client.sendBytes(CHALLENGE);
      await client.next(FrameType.RegistrationRequest);
      client.send(FrameType.RegistrationResponse, { payload: JSON.stringify(answer) });
      const disconnect = joined(coded(ErrorCode.GoingAway), new Uint8Array(1));
      client.sendBytes(frameOf(Disconnect, { payload: joined(disconnect, encoder.encode(evil)) }));
      const { stdout, stderr } = await ending;
      assertNotMatch(stdout + stderr, /[^\n\P{Cc}]|\p{Bidi_Control}/u);
      assert(stdout.split("\n").length <= 2, stdout);
      assertNotMatch(stderr, /^http/m);
    });
  }
});

Deno.test("a request that no origin may get is reset, alone, and reaches nobody", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await ScriptedServer.start();
  await using decoy = ScriptedOrigin.answering(OK);
  await using story = await startStory(server, origin);
  const { client } = story;
  const fields: readonly (readonly string[])[] = [["host", "a.example"]];
  const address = `127.0.0.1:${decoy.port}`;
  let stream = 10;
  for (
    const [name, method, head] of [
      ["an absolute-form target", "GET", rawHead(`GET http://${address}/ HTTP/1.1`, fields)],
      ["an authority", "GET", rawHead(`GET ${address} HTTP/1.1`, fields)],
      ["CONNECT to another host", "CONNECT", rawHead(`CONNECT ${address} HTTP/1.1`, fields)],
      ["CONNECT", "CONNECT", rawHead("CONNECT / HTTP/1.1", fields)],
      ["an empty target", "GET", rawHead("GET  HTTP/1.1", fields)],
      ["a target with a blank", "GET", rawHead("GET /a HTTP/1.1 HTTP/1.1", fields)],
      ["a target with a line feed", "GET", rawHead("GET /\nX: y HTTP/1.1", fields)],
      ["a method with a blank", "GET", rawHead("GET /x / HTTP/1.1", fields)],
      ["no method", "GET", rawHead(" / HTTP/1.1", fields)],
      ["no version", "GET", rawHead("GET /", fields)],
      ["another version", "GET", rawHead("GET / HTTP/1.0", fields)],
      ["JSON", "GET", rawHead('{"method":"GET","target":"/","fields":[]}')],
      ["a line feed in a value", "GET", rawHead("GET / HTTP/1.1", [["a", "b\nc: d"]])],
      ["a folded line", "GET", rawHead("GET / HTTP/1.1", [["a", "b\r\n c"]])],
      ["an empty line and a second head", "GET", rawHead("GET / HTTP/1.1\r\n\r\nGET /x HTTP/1.1")],
      ["a NUL in a value", "GET", rawHead("GET / HTTP/1.1", [["a", "b\0"]])],
      ["a name with a colon", "GET", rawHead("GET / HTTP/1.1", [["a:b", "c"]])],
      ["a name in capitals", "GET", rawHead("GET / HTTP/1.1", [["Host", "c"]])],
      ["an empty name", "GET", rawHead("GET / HTTP/1.1", [["", "c"]])],
      ["a length that is not a number", "POST", post("abc")],
      ["a length with a sign", "POST", post("+1")],
      ["two lengths", "POST", post("1", "2")],
      ["two hosts", "GET", rawHead("GET / HTTP/1.1", [...fields, ...fields])],
      [
        "ten thousand fields",
        "GET",
        rawHead("GET / HTTP/1.1", Array.from({ length: 10_000 }, () => ["a", "b"])),
      ],
    ] as const
  ) {
    // A handshake is a GET without a body, whatever the head says.
    const isOfHandshake = method === "GET";
    for (const type of isOfHandshake ? [HTTPRequest, WSRequest] : [HTTPRequest]) {
      await t.step(`${name}, ${type === WSRequest ? "WebSocket" : "HTTP"}`, async () => {
        client.take();
        const before = origin.requestCount;
        stream++;
        client.send(type, { stream, payload: openingOf(WINDOW, head) });
        const reset = await client.next(Reset);
        assertEquals(reset.stream, stream);
        assertEquals(origin.requestCount, before, "the origin was asked");
        assertEquals(decoy.connectionCount, 0, "another service was reached");
        stream++;
        await assertServes(client, stream);
      });
    }
  }
});

Deno.test("a WebSocket is asked for with GET alone", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await ScriptedServer.start();
  await using story = await startStory(server, origin);
  const { client } = story;
  for (const [i, method] of ["POST", "CONNECT", "get"].entries()) {
    const head = rawHead(`${method} / HTTP/1.1`, [["host", "a.example"]]);
    client.send(WSRequest, { stream: i + 1, payload: openingOf(WINDOW, head) });
    const { stream, payload } = await client.next(Reset);
    assertEquals([stream, payload[1]], [i + 1, ErrorCode.Protocol]);
  }
  assertEquals(origin.connectionCount, 0);
});

Deno.test("a target that looks like another host goes to the origin as it is", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await ScriptedServer.start();
  await using story = await startStory(server, origin);
  await using decoy = ScriptedOrigin.answering(OK);
  let stream = 0;
  for (
    const target of [
      `//127.0.0.1:${decoy.port}/`,
      `/@127.0.0.1:${decoy.port}/`,
      `/\\127.0.0.1:${decoy.port}/`,
      "/../../etc/passwd",
    ]
  ) {
    await t.step(target.replace(`${decoy.port}`, "<port>"), async () => {
      await assertServes(story.client, ++stream, target);
      assertEquals((await origin.next()).target, target);
      assertEquals(decoy.connectionCount, 0);
    });
  }
});

Deno.test("where an origin redirects to, the client does not go", async (t) => {
  await using decoy = ScriptedOrigin.answering(OK);
  const location = `http://127.0.0.1:${decoy.port}/`;
  await using origin = ScriptedOrigin.answering(
    `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`,
  );
  await using server = await ScriptedServer.start();
  await using story = await startStory(server, origin);
  const { client } = story;
  for (const [stream, type] of [[1, HTTPRequest], [2, WSRequest]] as const) {
    await t.step(type === WSRequest ? "WebSocket" : "HTTP", async () => {
      const flags = type === HTTPRequest ? FrameFlag.EndStream : 0;
      client.send(type, { stream, flags, payload: openingOf(WINDOW) });
      const { payload } = await client.skipTo(type + 1);
      const { status, fields } = decodeResponseHead(payload);
      assertEquals(status, 302);
      assertEquals(fields[0], ["location", location]);
    });
  }
  assertEquals(decoy.connectionCount, 0);
});

Deno.test("streams above the limit are refused one by one", async () => {
  await using origin = ScriptedOrigin.start();
  await using server = await ScriptedServer.start();
  await using story = await startStory(server, origin);
  const { client } = story;
  /** Streams that are open at once (PROTOCOL.md section 3). */
  const MAX_STREAMS = 1_000;
  for (let stream = 1; stream <= MAX_STREAMS + 5; stream++) client.sendBytes(request(stream));
  for (let stream = MAX_STREAMS + 1; stream <= MAX_STREAMS + 5; stream++) {
    const reset = await client.next(Reset);
    assertEquals([reset.stream, reset.payload[1]], [stream, ErrorCode.Refused]);
  }
  client.send(Ping, { payload: "12345678" });
  await client.next(Pong);
  for (let stream = 1; stream <= MAX_STREAMS; stream++) {
    client.send(Reset, { stream, payload: coded(ErrorCode.Cancelled) });
  }
});

const encoder = new TextEncoder();

const POST = rawHead("POST / HTTP/1.1", [["host", "a.example"]]);

/** Returns the head of a POST with these lengths. */
function post(...lengths: readonly string[]): Uint8Array<ArrayBuffer> {
  const announced = lengths.map((length) => ["content-length", length]);
  return rawHead("POST / HTTP/1.1", [["host", "a.example"], ...announced]);
}

const CHALLENGE = challengeWith();

/** Returns a refusal that is not for good. */
/** Reads what a client has claimed. */
function claimOf(request: Uint8Array): Readonly<Record<string, unknown>> {
  const [, payload = ""] = decodeRequest(request).jws.split(".");
  return { ...JSON.parse(new TextDecoder().decode(decodeBase64Url(payload))) };
}

function refusal(code: string): Uint8Array<ArrayBuffer> {
  const payload = JSON.stringify({ error: { code, message: "not now", permanent: false } });
  return frameOf(FrameType.RegistrationResponse, { payload });
}

/** A client of a hostile server, and its first connection. */
async function startStory(server: ScriptedServer, origin: ScriptedOrigin) {
  await using started = new AsyncDisposableStack();
  const starting = Program.start("client.ts", [
    ...["--server", `http://127.0.0.1:${server.port}`, "--connections", "1"],
    ...["--host", "127.0.0.1", "--port", `${origin.port}`],
  ]);
  const client = await server.nextRegistered();
  const program = started.use(await starting);
  const owned = started.move();
  return { client, program, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Returns a request without a body. */
function request(stream: number): Uint8Array<ArrayBuffer> {
  return frameOf(HTTPRequest, { stream, flags: FrameFlag.EndStream, payload: openingOf(WINDOW) });
}

/** Checks that a request on that stream gets the origin's answer. */
async function assertServes(client: FramePeer, stream: number, target = "/"): Promise<void> {
  const head = rawHead(`GET ${target} HTTP/1.1`, [["host", "a.example"]]);
  client.send(HTTPRequest, {
    stream,
    flags: FrameFlag.EndStream,
    payload: openingOf(WINDOW, head),
  });
  const response = await client.next(HTTPResponse);
  assertEquals(response.stream, stream);
  assertEquals(decodeResponseHead(response.payload).status, 200);
  let body = "";
  for (let isOver = false; !isOver;) {
    const { payload, flags } = await client.next(Data);
    body += new TextDecoder().decode(payload);
    isOver = (flags & FrameFlag.EndStream) !== 0;
  }
  assertEquals(body, "ok");
}
