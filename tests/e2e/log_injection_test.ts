import { assert, assertEquals, assertNotMatch } from "@std/assert";
import { ErrorCode } from "../../lib/wire/errors.ts";
import { FrameType } from "../../lib/wire/frame.ts";
import { newSigningKey } from "../testing/ed25519.ts";
import { eventually } from "../testing/eventually.ts";
import { coded, frameOf, joined } from "../testing/frame_peer.ts";
import { ownPage } from "../testing/prometheus.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { Subscriber } from "../testing/subscriber.ts";
import { startServer } from "../testing/tunnel.ts";
import type { Program } from "../testing/program.ts";

const { Data, Disconnect, HTTPRequest, HTTPResponse, Reset } = FrameType;

/** Ends lines, drives terminals, turns the direction of text around, and looks like a line of the log. */
const EVIL =
  'a\r\n{"level":"error","message":"forged"}\x1b]0;title\x07\x1b[2J\x00\x7f\x9b\u0085\u2028\u202e"b\\';

/** Characters of one line at most: a few values of 1024, each of which JSON may write as six. */
const MAX_LINE = 8_000;

for (const format of ["json", "text"] as const) {
  Deno.test(`what visitors and clients say stays within its line of the log (${format})`, async () => {
    await using server = await startServer([
      ...["--log-format", format, "--log-level", "debug"],
      // For hosts that are unknown a server waits when it has just started.
      ...["--acquire-timeout", "10ms"],
    ]);
    await visit(server);
    await registerBadly(server);
    await answerBadly(server, "before its head");
    await answerBadly(server, "within its body");
    await leaveWith(server, EVIL);
    await leaveWith(server, "x".repeat(1_000) + EVIL);
    await eventually(
      "the last of it to be logged",
      () => `${server.stderr}`.split("client left").length >= 5,
    );
    for (const line of server.stderr.all) {
      assertNotMatch(line, /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
      assert(line.length < MAX_LINE, `a line of ${line.length} characters`);
      if (format === "text") {
        assertNotMatch(line, /^\{/);
        continue;
      }
      const event: unknown = JSON.parse(line);
      assert(typeof event === "object" && event !== null && "message" in event);
      assert(event.message !== "forged");
    }
    assertEquals((await ownPage(server, "/healthz")).status, 200);
  });
}

/** Sends requests whose every part is evil, as far as bytes allow. */
async function visit(server: Program): Promise<void> {
  const text = "a\x1b[2J\x9b\x85";
  const requests = [
    `GET /${text} HTTP/1.1\r\nHost: ${server.url.host}\r\nUser-Agent: ${text}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: ${text}.localhost\r\n\r\n`,
    `GET /${"x".repeat(60_000)} HTTP/1.1\r\nHost: unknown.localhost\r\n\r\n`,
    `GET /%0d%0aforged HTTP/1.1\r\nHost: unknown.localhost\r\nX: %0a\r\n\r\n`,
    `${text} / HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  ];
  for (const request of requests) {
    using visitor = await RawHTTP.open(Number(server.url.port));
    const { status } = await visitor.exchange(request);
    assert(status >= 400 && status < 500, String(status));
  }
}

/** Claims with an evil audience, which the refusal tells. */
async function registerBadly(server: Program): Promise<void> {
  using peer = await Subscriber.connect(server);
  const { error } = await peer.answer(await peer.claim(await newSigningKey(), { audience: EVIL }));
  assert(error !== undefined);
}

/** Resets a request for an evil reason. */
async function answerBadly(server: Program, when: string): Promise<void> {
  using client = await Subscriber.register(server);
  using visitor = await RawHTTP.open(Number(server.url.port));
  await visitor.send(`GET / HTTP/1.1\r\nHost: ${client.host}\r\n\r\n`);
  const { stream } = await client.frames.next(HTTPRequest);
  if (when === "within its body") {
    client.frames.send(HTTPResponse, { stream, payload: "200\r\n" });
    client.frames.send(Data, { stream, payload: "part" });
    assertEquals(await (await visitor.receive()).body.readText(4), "part");
  }
  client.frames.send(Reset, { stream, payload: coded(ErrorCode.Internal, EVIL) });
  // A body that has begun is cut; before that there is an error page.
  if (when === "within its body") await visitor.readToEnd();
  else assertNotMatch((await visitor.receiveAll()).text, /[^\n\P{Cc}]/u);
}

/** Sends a Disconnect with a reason, which the log tells. */
async function leaveWith(server: Program, reason: string): Promise<void> {
  using client = await Subscriber.register(server);
  const payload = joined(
    coded(ErrorCode.GoingAway),
    Uint8Array.of(0),
    new TextEncoder().encode(reason),
  );
  client.frames.sendBytes(frameOf(Disconnect, { payload: payload.subarray(0, 1_027) }));
  await client.frames.closed;
}
