import { assertEquals, assertRejects } from "@std/assert";
import { LocalWebSockets } from "../../../lib/client/services/local_websockets.ts";
import { OriginError } from "../../../lib/http/origin_error.ts";
import { ErrorCode, StreamError } from "../../../lib/wire/errors.ts";
import { FrameType } from "../../../lib/wire/frame.ts";
import { eventually } from "../../testing/eventually.ts";
import { addressOf, type Origin, USUAL_TRUST } from "../../../lib/client/services/origin.ts";
import { LocalHTTP } from "../../../lib/client/services/local_http/local_http.ts";
import { originDialer } from "../../../lib/client/services/local_http/origin_dialer.ts";
import { OriginPool } from "../../../lib/client/services/local_http/origin_pool.ts";
import { FakeIncoming, requestHead } from "../../testing/fake_incoming.ts";
import { freePort } from "../../testing/free_port.ts";
import { ScriptedOrigin } from "../../testing/scripted_origin.ts";
import { WebSocketOrigin } from "../../testing/websocket_origin.ts";
import { accepting } from "../../testing/websocket_visit.ts";
import { within } from "../../testing/within.ts";

Deno.test("LocalWebSockets joins the visitor and the origin, whose 101 loses what is for one connection", async () => {
  await using origin = await WebSocketOrigin.start({ lines: ["Set-Cookie: a=1", "X-A: b"] });
  const { incoming, served } = serve(origin.port, [["sec-websocket-protocol", "chat,  other"]]);
  const { peer, request } = await origin.next();
  const head = await incoming.answered();
  assertEquals(head.status, 101);
  const names = head.fields.map(([name]) => name);
  assertEquals(names, ["sec-websocket-protocol", "set-cookie", "x-a"]);
  assertEquals([request.url, request.headers.host], ["/socket?a=%2f", "app.example"]);
  assertEquals(request.headers["sec-websocket-protocol"], "chat,  other");

  incoming.giveMessage("to the origin");
  assertEquals(await peer.next(), "to the origin");
  peer.send("to the visitor");
  await eventually("the message", () => incoming.text === "to the visitor");
  incoming.leave();
  assertEquals((await peer.closed).code, 1006);
  await within(served, "the end of a WebSocket");
});

Deno.test("LocalWebSockets passes a refusal on with its status, fields and body", async () => {
  const refusal = "HTTP/1.1 403 Forbidden\r\nX-A: b\r\nConnection: close\r\n";
  await using origin = ScriptedOrigin.answering(`${refusal}Content-Length: 2\r\n\r\nno`);
  const { incoming, served } = serve(origin.port);
  await within(served, "the end of a refusal");
  assertEquals<unknown>(incoming.head, {
    status: 403,
    fields: [["x-a", "b"], ["content-length", "2"]],
  });
  assertEquals([incoming.text, incoming.isComplete], ["no", true]);
  assertEquals(incoming.resetWith?.code, ErrorCode.None);
});

Deno.test("LocalWebSockets fails as refused where nothing listens, and as malformed where no handshake comes about", async () => {
  const { served } = serve(freePort());
  assertEquals((await assertRejects(() => served, OriginError)).code, "refused");
  await using origin = ScriptedOrigin.start(async (exchange) => {
    await exchange.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
    await exchange.hangUp();
  });
  const other = serve(origin.port);
  assertEquals((await assertRejects(() => other.served, OriginError)).code, "malformed");
});

Deno.test("LocalWebSockets says of an answer that is not HTTP which rule it breaks, and what it says", async () => {
  for (
    const [answer, rule] of [
      ["Unauthorized", 'it must begin with HTTP/1., not "Unauthorized"'],
      [
        "HTTP/1.1 OK\r\n\r\n",
        "a status line must be HTTP/1.0 or HTTP/1.1, a status from 100 to 599 and a reason, " +
        'not "HTTP/1.1 OK"',
      ],
      [
        "HTTP/1.1 403 Forbidden\r\na\r\n\r\n",
        'a field line must be a name, a colon and a value, not "a\\r\\n"',
      ],
    ] as const
  ) {
    await using origin = ScriptedOrigin.start(async (exchange) => {
      await exchange.write(answer);
      await exchange.hangUp();
    });
    const { served } = serve(origin.port);
    const { code, message } = await assertRejects(() => served, OriginError);
    assertEquals(code, "malformed");
    assertEquals(message, `the origin's head is malformed: ${rule}`);
  }
});

Deno.test("LocalWebSockets tells a handshake without an answer, one that breaks off, an origin without an address and an answer that is no HTTP apart", async () => {
  const codes: string[] = [];
  for (const answer of ["", "HTTP/1.1 101 Sw", "no HTTP\r\n\r\n"]) {
    await using origin = ScriptedOrigin.start(async (exchange) => {
      await exchange.write(answer);
      exchange.close();
    });
    const { served } = serve(origin.port);
    codes.push((await assertRejects(() => served, OriginError)).code);
  }
  const lost = socketsOf({ kind: "http", host: "origin.invalid", port: 1 });
  const incoming = new FakeIncoming(FrameType.WSRequest, { hasBody: true });
  const error = await assertRejects(() => lost.serve(incoming, requestHead()), OriginError);
  assertEquals([...codes, error.code], ["cut", "malformed", "malformed", "unreachable"]);
});

Deno.test("LocalWebSockets says of a 101 which rule of a handshake it breaks", async () => {
  const wrong = "the origin's answer to the WebSocket handshake is wrong: ";
  const other = "HTTP/1.1 101 Other\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n";
  for (
    const [answer, expected] of [
      [() => accepting("another"), `${wrong}another Sec-WebSocket-Accept`],
      [
        (key: string | null) => accepting(key, "Sec-WebSocket-Protocol: a\r\n"),
        `${wrong}a subprotocol that was not offered`,
      ],
      [
        (key: string | null) => accepting(key, "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
        `${wrong}an extension that was not offered`,
      ],
      [() => other, "the origin switched to something else than WebSocket"],
    ] as const
  ) {
    await using origin = ScriptedOrigin.start(async (exchange) => {
      await exchange.write(answer(exchange.head.get("sec-websocket-key")));
      await exchange.hangUp();
    });
    const { served } = serve(origin.port);
    const { code, message } = await assertRejects(() => served, OriginError);
    assertEquals([code, message], ["malformed", expected]);
  }
});

Deno.test("LocalWebSockets cuts the visitor's WebSocket when the origin breaks the protocol, with words of its own", async () => {
  const notUTF8 = "\x81\x01\xff";
  const reserved = "\xc1\x00";
  for (const frame of [notUTF8, reserved]) {
    await using origin = ScriptedOrigin.start(async (exchange) => {
      await exchange.write(accepting(exchange.head.get("sec-websocket-key")) + frame);
      await exchange.hangUp();
    });
    const { incoming, served } = serve(origin.port);
    assertEquals((await incoming.answered()).status, 101);
    await within(served, "the end of a WebSocket");
    assertEquals(incoming.resetWith, {
      code: ErrorCode.Cancelled,
      reason: "the WebSocket was cut",
    });
  }
});

Deno.test("A handshake has a connection of its own, though others are idle", async () => {
  await using origin = ScriptedOrigin.start(async (exchange) => {
    const key = exchange.head.get("sec-websocket-key");
    if (key === null) return await exchange.answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    await exchange.write(accepting(key));
    await exchange.hangUp();
  });
  const place: Origin = { kind: "http", host: "127.0.0.1", port: origin.port };
  const service = new LocalHTTP({ origin: place, hostHeader: null });
  // The second request shows that the connection of the first is kept.
  for (let i = 0; i < 2; i++) await service.serve(new FakeIncoming(), requestHead());
  assertEquals(origin.connectionCount, 1);
  const incoming = new FakeIncoming(FrameType.WSRequest, { hasBody: true });
  const served = service.serve(incoming, requestHead());
  assertEquals([(await incoming.answered()).status, origin.connectionCount], [101, 2]);
  incoming.leave();
  await within(served, "the end of a WebSocket");
  service.close();
});

Deno.test("LocalWebSockets asks with GET alone", async () => {
  const sockets = socketsOf({ kind: "http", host: "127.0.0.1", port: freePort() });
  const incoming = new FakeIncoming(FrameType.WSRequest, { hasBody: true });
  const served = () => sockets.serve(incoming, requestHead({ method: "POST" }));
  assertEquals((await assertRejects(served, StreamError)).code, ErrorCode.Protocol);
});

Deno.test("LocalWebSockets offers the subprotocols of all fields that name some, and takes any of them", async () => {
  await using origin = await WebSocketOrigin.start({ handleProtocols: () => "second" });
  const name = "sec-websocket-protocol";
  const { incoming, served } = serve(origin.port, [[name, "first"], [name, "other, second"]]);
  const { request } = await origin.next();
  assertEquals(request.headers[name], "first, other, second");
  const { status, fields } = await incoming.answered();
  assertEquals([status, fields], [101, [[name, "second"]]]);
  incoming.leave();
  await within(served, "the end of a WebSocket");
});

Deno.test("LocalWebSockets says what is wrong with subprotocols that cannot be offered", async () => {
  for (const list of ["a b,,", "a,a", "caf\xe9"]) {
    const { served } = serve(freePort(), [["sec-websocket-protocol", list]]);
    const { code, message } = await assertRejects(() => served, StreamError);
    assertEquals(
      [code, message],
      [ErrorCode.Protocol, "sec-websocket-protocol is not a list of different tokens"],
      list,
    );
  }
});

function socketsOf(origin: Origin): LocalWebSockets {
  const dialer = originDialer(origin, { ...USUAL_TRUST, hostname: "localhost" });
  return new LocalWebSockets(new OriginPool({ address: addressOf(origin), dialer }));
}

/** Begins a WebSocket to a port of this machine. */
function serve(
  port: number,
  fields: readonly (readonly [name: string, value: string])[] = [],
): { readonly incoming: FakeIncoming; readonly served: Promise<void> } {
  const incoming = new FakeIncoming(FrameType.WSRequest, { hasBody: true });
  const sockets = socketsOf({ kind: "http", host: "127.0.0.1", port });
  const head = requestHead({
    target: "/socket?a=%2f",
    fields: [["host", "app.example"], ...fields],
  });
  return { incoming, served: sockets.serve(incoming, head) };
}
