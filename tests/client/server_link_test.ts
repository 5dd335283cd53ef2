import { assert, assertEquals, assertRejects } from "@std/assert";
import { ServerLink } from "../../lib/client/server_link.ts";
import { NameWish } from "../../lib/client/name_wish.ts";
import { OPEN_POLICY } from "../../lib/identity/visitor_policy.ts";
import { ErrorCode } from "../../lib/wire/errors.ts";
import { decodeRequest } from "../../lib/wire/messages.ts";
import { RegistrationError } from "../../lib/wire/registration_error.ts";
import { type DisconnectReason, encodeDisconnect } from "../../lib/wire/reasons.ts";
import { FrameFlag, FrameType } from "../../lib/wire/frame.ts";
import { Heartbeat } from "../../lib/mux/heartbeat.ts";
import type { Stream } from "../../lib/mux/stream.ts";
import { newSigningKey } from "../testing/ed25519.ts";
import { eventually } from "../testing/eventually.ts";
import { FakeClock } from "../testing/fake_clock.ts";
import { type FramePeer, openingOf } from "../testing/frame_peer.ts";
import { challengeWith, register, ScriptedServer } from "../testing/scripted_server.ts";
import { settled } from "../testing/turn.ts";
import { within } from "../testing/within.ts";

Deno.test("ServerLink connects anew at a GOAWAY, while the old connection still serves", async () => {
  await using server = await ScriptedServer.start();
  await using link = await startLink(server);
  const old = await server.nextRegistered();
  goAway(old);
  const fresh = await server.nextRegistered();
  open(old, 1);
  open(fresh, 1);
  await eventually("a stream from each", () => link.streams.length === 2);
  assertEquals(old.takeNames(), [], "a GOAWAY is not answered");
  end(old);
  await old.closed;
  await eventually("both registrations", () => link.told.length === 2);
  assertEquals(link.told, ["registered", "registered"], "it was never lost");
});

Deno.test("ServerLink tries again soon when the successor is not there yet", async () => {
  await using server = await ScriptedServer.start();
  await using link = await startLink(server);
  const old = await server.nextRegistered();
  goAway(old);
  // More attempts than a backoff would make in the time that the test has.
  for (let refused = 0; refused < 8; refused++) end(await server.next());
  await server.nextRegistered();
  await eventually("both registrations", () => link.told.length === 2);
  assertEquals(link.told, ["registered", "registered"], "it was never lost");
});

Deno.test("ServerLink is lost when the old connection ends before there is another, until there is", async () => {
  await using server = await ScriptedServer.start();
  await using link = await startLink(server);
  const old = await server.nextRegistered();
  goAway(old);
  end(await server.next());
  end(old);
  await old.closed;
  await eventually("the loss", () => link.told.includes("lost"));
  await server.nextRegistered();
  await eventually("another registration", () => link.told.at(-1) === "registered");
});

Deno.test("ServerLink goes on when the next server stops as well", async () => {
  await using server = await ScriptedServer.start();
  await using link = await startLink(server);
  for (let i = 0; i < 3; i++) goAway(await server.nextRegistered());
  await server.nextRegistered();
  await eventually("all registrations", () => link.told.length === 4);
  assert(!link.told.includes("lost"));
});

Deno.test("ServerLink backs off from a server that says GOAWAY to each connection as soon as it is there", async () => {
  using clock = new FakeClock();
  await using server = await ScriptedServer.start();
  await using _link = await startLink(server);
  goAway(await server.nextRegistered());
  let current = await server.nextRegistered();
  for (const { least, most } of [{ least: 250, most: 500 }, { least: 500, most: 1_000 }]) {
    goAway(current);
    await roundTrips(current);
    let isDialled = false;
    const next = server.nextRegistered().finally(() => isDialled = true);
    clock.advance(least - 1);
    await roundTrips(current);
    assert(!isDialled, `connected within ${least} ms`);
    clock.advance(most - least + 1);
    current = await next;
  }
  await roundTrips(current);
  clock.advance(10_000);
  goAway(current);
  // One that held for a while is handed over at once again.
  await server.nextRegistered();
});

Deno.test("ServerLink backs off as well when such a server closes what it sent away", async () => {
  using clock = new FakeClock();
  await using server = await ScriptedServer.start();
  await using link = await startLink(server);
  goAway(await server.nextRegistered());
  const current = await server.nextRegistered();
  goAway(current);
  await roundTrips(current);
  end(current);
  await current.closed;
  assertEquals(link.told, ["registered", "registered", "lost"]);
  clock.advance(249);
  assertEquals(link.told.length, 3);
  let isDialled = false;
  const next = server.nextRegistered().finally(() => isDialled = true);
  for (let i = 0; i < 100; i++) await settled();
  assert(!isDialled, "connected before the wait was over");
  clock.advance(251);
  await next;
});

Deno.test("ServerLink connects anew at once when what was sent away had carried many streams", async () => {
  using clock = new FakeClock();
  await using server = await ScriptedServer.start();
  await using link = await startLink(server);
  const since = clock.now;
  let current = await server.nextRegistered();
  for (let connection = 1; connection < 6; connection++) {
    for (let stream = 1; stream <= 100; stream++) open(current, stream);
    await roundTrips(current);
    assertEquals(link.streams.length, connection * 100);
    goAway(current);
    current = await server.nextRegistered();
  }
  assertEquals(clock.now, since, "no time has passed");
  assert(!link.told.includes("lost"));
});

Deno.test("ServerLink tells why the connection was to be left", async () => {
  await using server = await ScriptedServer.start();
  await using link = await startLink(server, { once: true });
  const peer = await server.nextRegistered();
  goAway(peer);
  end(peer);
  await within(link.run, "the end of the link");
  assertEquals(link.reasons, ["restart"]);
});

Deno.test("ServerLink leaves the oldest connection when more than three got a GOAWAY and serve on", async () => {
  using clock = new FakeClock();
  await using server = await ScriptedServer.start();
  await using _link = await startLink(server);
  const peers = [await server.nextRegistered()];
  for (const peer of peers) {
    goAway(peer);
    await roundTrips(peer);
    clock.advance(1_000);
    if (peers.length < 4) peers.push(await server.nextRegistered());
  }
  const [oldest, ...rest] = peers;
  assert(oldest !== undefined);
  await oldest.closed;
  for (const peer of rest) await roundTrips(peer);
});

Deno.test("ServerLink with once serves until the server closes, and does not connect again", async () => {
  await using server = await ScriptedServer.start();
  await using link = await startLink(server, { once: true });
  const old = await server.nextRegistered();
  goAway(old);
  open(old, 1);
  await eventually("a stream", () => link.streams.length === 1);
  await roundTrips(old);
  assertEquals(link.told, ["registered", "leaving"], "it is not lost while it serves");
  end(old);
  assertEquals(await within(link.run, "the end of the link"), true);
  assertEquals(link.told, ["registered", "leaving", "lost"]);
});

Deno.test("ServerLink that was stopped tells nobody that the server agrees", async () => {
  await using server = await ScriptedServer.start();
  await using link = await startLink(server, { once: true });
  const peer = await server.nextRegistered();
  open(peer, 1);
  await eventually("a stream", () => link.streams.length === 1);
  const stopped = link.link.stop();
  await peer.next(FrameType.Disconnect);
  goAway(peer);
  await roundTrips(peer);
  end(peer);
  await within(stopped, "the end of the connection");
  await within(link.run, "the end of the link");
  assertEquals(link.told, ["registered"]);
});

Deno.test("ServerLink.run with once says whether the connection ended by a fault of either side", async () => {
  await using server = await ScriptedServer.start();
  const codes: readonly (readonly [code: number, isWell: boolean])[] = [
    [ErrorCode.None, true],
    [ErrorCode.GoingAway, true],
    [ErrorCode.Silent, true],
    [ErrorCode.Protocol, false],
    [ErrorCode.TooLarge, false],
    [ErrorCode.Unregistered, false],
    // Of a later version.
    [999, false],
  ];
  for (const [code, isWell] of codes) {
    await using link = await startLink(server, { once: true });
    disconnect(await server.nextRegistered(), "close", code);
    assertEquals(await within(link.run, "the end of the link"), isWell, `Disconnect ${code}`);
  }
  for (
    const [code, isWell] of [[1000, true], [1001, true], [1012, true], [1002, false], [
      1009,
      false,
    ]] as const
  ) {
    await using link = await startLink(server, { once: true });
    (await server.nextRegistered()).close(code);
    assertEquals(await within(link.run, "the end of the link"), isWell, `close ${code}`);
  }
  await using link = await startLink(server, { once: true });
  const peer = await server.nextRegistered();
  peer.send(FrameType.HTTPResponse, { stream: 99, payload: "200\r\n" });
  assertEquals(await within(link.run, "the end of the link"), false);
});

Deno.test("ServerLink.stop ends the old connection and the new one", async () => {
  await using server = await ScriptedServer.start();
  await using link = await startLink(server);
  const old = await server.nextRegistered();
  goAway(old);
  const fresh = await server.nextRegistered();
  await eventually("both registrations", () => link.told.length === 2);
  const stopped = link.link.stop();
  for (const peer of [old, fresh]) {
    await peer.next(FrameType.Disconnect);
    drain(peer);
  }
  await within(stopped, "the end of both");
  assertEquals(await within(link.run, "the end of the link"), true);
});

Deno.test("ServerLink goes on without a name that it was given and that went to another key", async () => {
  await using server = await ScriptedServer.start();
  await using link = await startLink(server, { name: "hostile" });
  const old = await server.next();
  assertEquals(nameIn(await register(old)), "hostile");
  goAway(old);
  assertEquals(nameIn(await refuse(await server.next())), "hostile");
  const fresh = await server.next();
  assertEquals(nameIn(await register(fresh)), undefined);
  await eventually("both registrations", () => link.told.length === 3);
  assertEquals(link.told, ["registered", "lost the name", "registered"]);
  open(old, 1);
  open(fresh, 1);
  await eventually("a stream from each", () => link.streams.length === 2);
});

Deno.test("ServerLink ends when the name that it wishes for was another's from the start", async () => {
  await using server = await ScriptedServer.start();
  const link = await startLink(server, { name: "hostile" });
  const ending = assertRejects(() => link.run, RegistrationError);
  await refuse(await server.next());
  assertEquals((await ending).code, "name_taken");
  assertEquals(link.told, []);
  link.link.close();
});

/** A link that notes what it tells. */
interface NotingLink extends AsyncDisposable {
  readonly link: ServerLink;
  readonly run: Promise<boolean>;
  readonly told: ("registered" | "leaving" | "lost" | "lost the name")[];
  /** Why it was lost, each time. */
  readonly reasons: string[];
  readonly streams: Stream[];
}

async function startLink(
  server: ScriptedServer,
  { once = false, name = "" } = {},
): Promise<NotingLink> {
  const told: NotingLink["told"] = [];
  const reasons: string[] = [];
  const streams: Stream[] = [];
  const link = new ServerLink(
    {
      server: `http://127.0.0.1:${server.port}`,
      key: await newSigningKey(),
      label: "",
      wish: new NameWish(name, () => told.push("lost the name")),
      policy: OPEN_POLICY,
      token: null,
      connection: 0,
      mark: null,
      heartbeat: new Heartbeat(),
      onStream: (stream) => streams.push(stream),
      onNotice() {},
    },
    {
      onRegistered: () => told.push("registered"),
      onLeaving: () => told.push("leaving"),
      onLost(reason) {
        told.push("lost");
        reasons.push(reason);
      },
    },
    { once },
  );
  const run = link.run();
  return {
    link,
    run,
    told,
    reasons,
    streams,
    async [Symbol.asyncDispose]() {
      link.close();
      await run;
    },
  };
}

/** Returns when whatever a link would do at once, such as to dial, has been done. */
async function roundTrips(peer: FramePeer): Promise<void> {
  for (let i = 0; i < ROUND_TRIPS; i++) {
    peer.send(FrameType.Ping, { payload: new Uint8Array(8) });
    await peer.next(FrameType.Pong);
  }
}

/** More than a registration takes; 20 Pings a second are allowed. */
const ROUND_TRIPS = 8;

/** Refuses a client since its name is another's, and returns what it sent. */
async function refuse(peer: FramePeer): Promise<Uint8Array> {
  peer.sendBytes(challengeWith());
  const { payload } = await peer.next(FrameType.RegistrationRequest);
  const error = { code: "name_taken", message: "it is another's", permanent: true };
  peer.send(FrameType.RegistrationResponse, { payload: JSON.stringify({ error }) });
  return payload;
}

/** Returns the name that a registration wishes for. */
function nameIn(request: Uint8Array): unknown {
  const [, claim = ""] = decodeRequest(request).jws.split(".");
  const { name }: { name?: unknown } = JSON.parse(
    atob(claim.replace(/-/g, "+").replace(/_/g, "/")),
  );
  return name;
}

function goAway(peer: FramePeer): void {
  disconnect(peer, "goaway");
}

function drain(peer: FramePeer): void {
  disconnect(peer, "drain");
}

function end(peer: FramePeer): void {
  disconnect(peer, "close");
}

function disconnect(
  peer: FramePeer,
  kind: DisconnectReason["kind"],
  code: number = ErrorCode.GoingAway,
): void {
  const payload = encodeDisconnect({ code, kind, reason: "restart" });
  peer.send(FrameType.Disconnect, { payload });
}

function open(peer: FramePeer, stream: number): void {
  peer.send(FrameType.HTTPRequest, {
    stream,
    flags: FrameFlag.EndStream,
    payload: openingOf(1024),
  });
}
