import { assert, assertEquals } from "@std/assert";
import type { FrontProxy, ProxyPorts } from "./front_proxy.ts";
import { freePorts } from "./front_proxy.ts";
import { Pattern } from "./pattern.ts";
import { Program } from "./program.ts";
import { RawHTTP } from "./raw_http.ts";
import { ScriptedOrigin } from "./scripted_origin.ts";
import { Tunnel } from "./tunnel.ts";
import { WebSocketOrigin } from "./websocket_origin.ts";
import { openWebSocket } from "./websocket_peer.ts";
import { within } from "./within.ts";

/** The domain of the tunnels: TLS libraries take no certificate for `*.localhost`. */
const DOMAIN = "tunnel.localhost";

/** Bytes of an upload that no proxy takes without being told to (nginx: 1 MiB), nor in one buffer. */
const UPLOAD = 3 * 1024 * 1024;

/** A proxy that listens, with what its certificates are checked against. */
export interface StartedProxy {
  readonly proxy: FrontProxy;
  /** PEM file. */
  readonly authorityFile: string;
}

/** Starts the proxy under test on these ports. */
export type StartProxy = (ports: ProxyPorts) => Promise<StartedProxy>;

/** A server with a TLS proxy in front of it, through which clients and visitors connect. */
export class BehindProxy implements AsyncDisposable {
  readonly #owned: AsyncDisposableStack;

  private constructor(
    readonly ports: ProxyPorts,
    readonly server: Program,
    readonly authorityFile: string,
    owned: AsyncDisposableStack,
  ) {
    this.#owned = owned;
  }

  static async start(startProxy: StartProxy): Promise<BehindProxy> {
    await using started = new AsyncDisposableStack();
    const ports = freePorts();
    const server = started.use(
      await Program.start("server.ts", [
        ...["--hostname", "127.0.0.1", "--port", `${ports.server}`, "--trust-proxy", "loopback"],
        ...["--domain", DOMAIN, "--public-url", `https://localhost:${ports.proxy}`],
        ...["--client-port", `${ports.clients}`],
      ]),
    );
    const { proxy, authorityFile } = await startProxy(ports);
    started.use(proxy);
    return new BehindProxy(ports, server, authorityFile, started.move());
  }

  /** Starts a client, which connects through the proxy too. */
  async publish(origin: { readonly port: number }): Promise<Tunnel> {
    await using started = new AsyncDisposableStack();
    const args = ["--server", this.server.url.origin, `http://127.0.0.1:${origin.port}`];
    const env = { DENO_CERT: this.authorityFile };
    const client = started.use(await Program.start("client.ts", args, { env }));
    return new Tunnel(this.server, client, started.move());
  }

  /** Connects as a visitor over TLS. @throws when the proxy has no certificate for the name. */
  async open(hostname: string): Promise<RawHTTP> {
    const { proxy: port } = this.ports;
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.setNoDelay(true);
    const secured = await Deno.startTls(connection, {
      hostname,
      caCerts: [await Deno.readTextFile(this.authorityFile)],
      alpnProtocols: ["http/1.1"],
    });
    try {
      await within(secured.handshake(), "the proxy's handshake");
    } catch (error) {
      secured.close();
      throw error;
    }
    return new RawHTTP(secured);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

export interface ProxyQuirks {
  /** Whether an answer may begin before the upload has ended, over HTTP/1.1. */
  readonly isDuplex: boolean;
}

/** Checks what must hold behind every proxy; its own rules are for the caller. */
export async function checkBehindProxy(
  t: Deno.TestContext,
  behind: BehindProxy,
  { isDuplex }: ProxyQuirks,
): Promise<void> {
  await using origin = ScriptedOrigin.start();
  await using tunnel = await behind.publish(origin);
  const open = () => behind.open(tunnel.url.hostname);

  await t.step("the request arrives as it was written, with the visitor's address", async () => {
    using visitor = await open();
    await visitor.send(tunnel.write("/a//b/../c?d=%2F", { method: "DELETE", fields: CLAIMS }));
    const exchange = await origin.next();
    assertEquals(exchange.head.startLine, "DELETE /a//b/../c?d=%2F HTTP/1.1");
    assertEquals(exchange.head.get("host"), tunnel.host);
    assertEquals(exchange.head.get("x-forwarded-for"), "127.0.0.1, 127.0.0.1");
    assertEquals(exchange.head.get("x-forwarded-proto"), "https");
    assertEquals(exchange.head.get("x-forwarded-host"), tunnel.host);
    for (const claim of ["6.6.6.6", "evil"]) assert(!exchange.head.text.includes(claim), claim);
    assertEquals(exchange.head.has("accept-encoding"), false);
    await exchange.answer(ANSWER);
    const { status, head, text } = await visitor.receiveAll("DELETE");
    assertEquals([status, text], [404, "fish"]);
    assertEquals(head.all("set-cookie"), ["a=1", "b=2"]);
    for (const [name, value] of KEPT) {
      // Caddy before 2.9 adds its own Server.
      assertEquals(head.all(name).filter((one) => one !== "Caddy"), [value]);
    }
  });

  await t.step("a large upload arrives whole", async () => {
    using visitor = await open();
    const pattern = new Pattern();
    const head = tunnel.write("/", {
      method: "POST",
      fields: [["Content-Length", `${UPLOAD}`]],
    });
    const sending = (async () => {
      await visitor.send(head);
      for (const piece of pattern.pieces(UPLOAD)) await visitor.send(piece);
    })();
    const exchange = await origin.next();
    const length = await exchange.body.forEach((bytes, offset) => {
      assert(pattern.matches(offset, bytes), `other bytes at ${offset}`);
    });
    assertEquals(length, UPLOAD);
    await sending;
    await exchange.answer("HTTP/1.1 204 No Content\r\n\r\n");
    assertEquals((await visitor.receiveAll("POST")).status, 204);
  });

  await t.step("an upload passes as it is written", async () => {
    using visitor = await open();
    await visitor.send(tunnel.write("/", { method: "POST", fields: CHUNKED }));
    await visitor.send(chunk("first"));
    const exchange = await origin.next();
    assertEquals(await exchange.body.readText(5), "first");
    await visitor.send(chunk("second"));
    assertEquals(await exchange.body.readText(6), "second");
    if (isDuplex) {
      const piece = chunk("third");
      await exchange.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${piece}`);
      const { body } = await visitor.receive("POST");
      assertEquals(await body.readText(5), "third");
      await visitor.send(chunk("fourth") + LAST_CHUNK);
      assertEquals(await exchange.body.readText(6), "fourth");
      await exchange.answer(LAST_CHUNK);
      assertEquals((await body.readAll()).length, 0);
    } else {
      await visitor.send(LAST_CHUNK);
      await exchange.answer(ANSWER);
      assertEquals((await visitor.receiveAll("POST")).text, "fish");
    }
  });

  await t.step("events are not held back, and end when the visitor leaves", async () => {
    using visitor = await open();
    await visitor.send(tunnel.write("/events"));
    const exchange = await origin.next();
    await exchange.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    const { body } = await visitor.receive();
    for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
      await exchange.write(event);
      assertEquals(await body.readText(event.length), event);
    }
    visitor.close();
    await within(exchange.hangUp(), "the end of the request at the origin");
  });

  await t.step("a WebSocket goes through, with the visitor's address", async () => {
    await using webSockets = await WebSocketOrigin.start();
    await using room = await behind.publish(webSockets);
    const url = `wss://127.0.0.1:${behind.ports.proxy}/room?a=b`;
    // The types of ws leave out servername, which it hands on to TLS.
    const options = {
      offered: ["chat"],
      headers: { host: room.host },
      servername: room.url.hostname,
      ca: await Deno.readTextFile(behind.authorityFile),
      localAddress: "127.0.0.2",
    };
    using visitor = await openWebSocket(url, options);
    const { peer, request } = await webSockets.next();
    assertEquals(request.url, "/room?a=b");
    assertEquals(request.headers["x-forwarded-for"], "127.0.0.2, 127.0.0.1");
    assertEquals(visitor.socket.protocol, "chat");
    visitor.send("up");
    assertEquals(await peer.next(), "up");
    peer.send(new Uint8Array(100_000));
    assertEquals(await visitor.next(), new Uint8Array(100_000));
    visitor.close(4000, "bye");
    assertEquals(await peer.closed, { code: 4000, reason: "bye" });
  });
}

/** What a visitor says about its own way, none of which is true. */
const CLAIMS = [
  ["X-Forwarded-For", "6.6.6.6"],
  ["X-Forwarded-Host", "evil.example"],
  ["X-Forwarded-Port", "666"],
  ["X-Forwarded-Prefix", "/evil"],
  ["X-Forwarded-User", "evil"],
  ["X-Real-IP", "6.6.6.6"],
  ["X-Original-URL", "/evil"],
  ["True-Client-IP", "6.6.6.6"],
  ["Forwarded", "for=6.6.6.6;host=evil.example"],
] as const;

/** Fields that a proxy might put its own in place of. */
const KEPT = [
  ["Date", "Mon, 01 Jan 2024 00:00:00 GMT"],
  ["Server", "origin/1"],
  ["ETag", '"v1"'],
  ["Content-Encoding", "x-fish"],
] as const;

const ANSWER = [
  "HTTP/1.1 404 Gone Fishing",
  ...KEPT.map(([name, value]) => `${name}: ${value}`),
  ...["Set-Cookie: a=1", "Set-Cookie: b=2", "Content-Length: 4", "", "fish"],
].join("\r\n");

const CHUNKED = [["Transfer-Encoding", "chunked"]] as const;

const LAST_CHUNK = "0\r\n\r\n";

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}
