import { assert, assertEquals, assertMatch } from "@std/assert";
import { toText } from "../testing/latin1.ts";
import { InspectorCalls } from "../testing/inspector_calls.ts";
import { SampleOrigin } from "../testing/sample_origin.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { startTunnel } from "../testing/tunnel.ts";
import { WebSocketOrigin } from "../testing/websocket_origin.ts";
import type { WebSocketPeer } from "../testing/websocket_peer.ts";
import { echo, visitWebSocket } from "../testing/websocket_visit.ts";
import { eventually } from "../testing/eventually.ts";
import { within } from "../testing/within.ts";

Deno.test("The inspector shows what passes, and sends it again", async (t) => {
  await using origin = SampleOrigin.start();
  await using tunnel = await startTunnel({ origin });
  const inspector = await InspectorCalls.of(tunnel.client);

  await t.step("a request with its answer", async () => {
    const { status } = await tunnel.request("/echo?a=1", {
      method: "POST",
      fields: [["X-Two", "1"], ["X-Two", "2"]],
      body: "ping",
    });
    assertEquals(status, 200);
    const { id, ...summary } = await inspector.ended("method=POST");
    assertEquals(
      [summary.target, summary.host, summary.visitor, summary.status, summary.state],
      ["/echo?a=1", tunnel.host, "127.0.0.1", 200, "complete"],
    );
    const { request, response, times, scheme } = await inspector.exchange(id);
    assertEquals(request.fields.find(([name]) => name === "x-two")?.[1], "1, 2");
    assertEquals([request.body.size, request.body.isComplete, scheme], [4, true, "http"]);
    assertEquals(toText(await inspector.body(id, "request")), "ping");
    assertMatch(toText(await inspector.body(id, "response")), /"target":"\/echo\?a=1"/);
    assertEquals(
      response?.fields.find(([name]) => name === "content-type")?.[1],
      "application/json",
    );
    const { sentOn, firstByte, end } = times;
    assert(sentOn !== null && firstByte !== null && end !== null && end >= firstByte);
  });
  await t.step("again, as it was and changed", async () => {
    const { id } = await inspector.ended("method=POST");
    const { ids } = await inspector.replay(id, { wait: true });
    const changed = await inspector.replay(id, {
      method: "PUT",
      target: "/echo?b",
      body: { text: "pong!" },
      times: 2,
      wait: true,
    });
    assertEquals(changed.exchanges.map((each) => [each.method, each.replayOf, each.state]), [
      ["PUT", id, "complete"],
      ["PUT", id, "complete"],
    ]);
    assertEquals((await inspector.exchange(id)).replays, [...ids, ...changed.ids]);
    const [again = 0] = ids;
    const echoOf = async (id: number) => JSON.parse(toText(await inspector.body(id, "response")));
    assertEquals(await echoOf(again), await echoOf(id));
    const { method, target, length } = await echoOf(changed.ids[1] ?? 0);
    assertEquals([method, target, length], ["PUT", "/echo?b", 5]);
  });
  await t.step("events as they come", async () => {
    using visitor = await tunnel.open();
    await visitor.send(tunnel.write("/sse"));
    const feed = await origin.nextFeed();
    feed.write("event: tick\nid: 7\ndata: one\n\n");
    await visitor.receive();
    await eventually("the event", async () => (await inspector.list("kind=events")).length === 1);
    const [{ id } = { id: 0 }] = await inspector.list("kind=events&state=open");
    const { messages } = await inspector.messages(id);
    assertEquals(messages.map(({ at: _, ...message }) => message), [{
      ...{ index: 0, from: "service", size: 29, isWhole: true, kind: "event" },
      ...{ event: "tick", eventId: "7", text: "one" },
    }]);
    visitor.close();
    assertEquals((await inspector.ended("kind=events")).state, "left");
  });
  await t.step("a client without one", async () => {
    await using other = await startTunnel({ origin, clientArgs: ["--inspect", "off"] });
    assertEquals((await other.request("/")).status, 200);
    assertEquals(other.client.stderr.all.filter((line) => line.includes("inspector")), []);
  });
});

Deno.test("The inspector shows messages of WebSockets both ways", async () => {
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({ origin });
  const inspector = await InspectorCalls.of(tunnel.client);
  const visitor = await visitWebSocket(tunnel, "/live");
  const { peer } = await origin.next();
  echo(peer);
  visitor.socket.send("grüße");
  visitor.socket.send(new Uint8Array([0, 1]));
  await eventually("four messages", async () => {
    const [exchange] = await inspector.list("kind=websocket&status=101");
    return exchange?.messages?.fromVisitor === 2 && exchange.messages.fromService === 2;
  });
  visitor.socket.close(4000, "bye");
  const { id, state } = await inspector.ended("kind=websocket");
  assertEquals(state, "complete");
  const { messages, total } = await inspector.messages(id);
  assertEquals(total, messages.length);
  const texts = messages.map((message) =>
    [message.from, message.kind, message.kind === "binary" ? message.base64 : message.text].join(
      " ",
    )
  );
  assertEquals(texts.slice(0, 4).toSorted(), [
    "service binary AAE=",
    "service text grüße",
    "visitor binary AAE=",
    "visitor text grüße",
  ]);
  assertEquals(texts.filter((text) => text.includes("close")), [
    "visitor close bye",
    "service close bye",
  ]);
});

Deno.test("The inspector sends a WebSocket again: handshake, messages in their order, and the close", async (t) => {
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({ origin });
  const inspector = await InspectorCalls.of(tunnel.client);
  /** Greets, and asks for the second message behind the first answer alone. */
  const serve = async (peer: WebSocketPeer) => {
    peer.send(`hello ${await peer.next()}`);
    await peer.next();
    peer.send(new Uint8Array([2, 3]));
  };
  const visitor = await visitWebSocket(tunnel, "/live?room=1", { offered: ["chat"] });
  const first = await origin.next();
  const served = serve(first.peer);
  visitor.send("I am Ann");
  assertEquals(await visitor.next(), "hello I am Ann");
  visitor.send(new Uint8Array([0, 1]));
  await visitor.next();
  visitor.close(4000, "bye");
  await served;
  const { id } = await inspector.ended("kind=websocket");

  await t.step("as it was", async () => {
    const replaying = inspector.replay(id, { wait: true });
    const { peer, request } = await origin.next();
    assertEquals(request.url, "/live?room=1");
    assertEquals(request.headers["sec-websocket-protocol"], "chat");
    assertEquals(request.headers.host, first.request.headers.host);
    assertEquals(await peer.next(), "I am Ann");
    peer.send("hello again");
    assertEquals(await peer.next(), new Uint8Array([0, 1]));
    peer.send("and bye");
    assertEquals(await peer.closed, { code: 4000, reason: "bye" });
    const { exchanges: [replay] } = await replaying;
    assertEquals([replay?.kind, replay?.replayOf, replay?.state, replay?.status], [
      ...["websocket", id, "complete", 101],
    ]);
    const { messages } = await inspector.messages(replay?.id ?? 0);
    const kindsFrom = (sender: string) =>
      messages.filter(({ from }) => from === sender).map(({ kind }) => kind);
    assertEquals(kindsFrom("visitor"), ["text", "binary", "close"]);
    assertEquals(kindsFrom("service"), ["text", "text", "close"]);
  });
  await t.step("changed, and closed by the service before the end", async () => {
    const replaying = inspector.replay(id, { target: "/other", wait: true });
    const { peer, request } = await origin.next();
    assertEquals(request.url, "/other");
    await peer.next();
    peer.close(4001, "not you");
    assertEquals((await peer.closed).code, 4001);
    const { exchanges: [replay] } = await replaying;
    assertEquals([replay?.state, replay?.target], ["complete", "/other"]);
  });
  await t.step("not with what a WebSocket does not have", async () => {
    for (const [member, value] of [["method", "POST"], ["body", null]] as const) {
      const answer = await inspector.send(`/api/exchanges/${id}/replay`, { [member]: value });
      assertEquals(answer.status, 400);
      assertMatch(await answer.text(), new RegExp(`has no ${member}`));
    }
  });
});

Deno.test("The inspector tells why there was no answer", async () => {
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTunnel({ origin });
  const inspector = await InspectorCalls.of(tunnel.client);
  const asked = tunnel.request("/broken");
  const exchange = await origin.next();
  await exchange.answer("HTTP/1.1 nonsense\r\n\r\n");
  assertEquals((await asked).status, 502);
  const { state, reason, status } = await inspector.ended();
  assertEquals([state, status], ["failed", null]);
  assertMatch(reason ?? "", /origin/);
});

Deno.test("The inspector answers while a visitor sends 100,000 messages and odd requests", async () => {
  const count = 100_000;
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({ origin });
  const inspector = await InspectorCalls.of(tunnel.client);
  const visitor = await visitWebSocket(tunnel, "/live");
  const { peer } = await origin.next();
  const last = new Promise<void>((resolve) => {
    let seen = 0;
    peer.socket.on("message", () => {
      if (++seen === count) resolve();
    });
  });
  for (let index = 0; index < count; index += 1000) {
    for (let each = index; each < index + 999; each++) visitor.send(`message ${each}`);
    await visitor.sent("the thousandth");
    if (index % 10_000 === 0) assertEquals((await inspector.list("kind=websocket")).length, 1);
  }
  await within(last, "the last message at the origin", 60_000);
  const [{ id } = { id: 0 }] = await inspector.list("kind=websocket");
  const { messages, total, first } = await inspector.messages(id, "limit=1000");
  assertEquals([messages.length, total, first], [1000, count, count - 1000]);

  const script = "/<script>alert(1)</script>?%00%zz\"'";
  await tunnel.request(script, { fields: [["X-Odd", "</script>\xff"], ["__proto__", "1"]] });
  const odd = await inspector.ended(`text=${encodeURIComponent("<SCRIPT>")}`);
  assertEquals(odd.target, script);
  const { request } = await inspector.exchange(odd.id);
  assertEquals(request.fields.find(([name]) => name === "x-odd")?.[1], "</script>\xff");
  visitor.vanish();
});
