import { assertEquals } from "@std/assert";
import { MemoryBus } from "../../../lib/server/bus/memory_bus.ts";
import { ClientSessions } from "../../../lib/server/tunnels/client_sessions.ts";
import { SUBPROTOCOL, SUBSCRIBE_PATH } from "../../../lib/wire/messages.ts";
import { eventually } from "../../testing/eventually.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { Listening } from "../../testing/listening.ts";
import { roomyRegistry } from "../../testing/roomy_registry.ts";
import { HANDSHAKE, Opcode, webSocketFrame } from "../../testing/websocket_frame.ts";
import { sessionContext } from "./session_context.ts";

/** Connections of one network that may be unregistered at once. */
const MOST = 16;

const HANDSHAKE_LINES = HANDSHAKE.map(([name, value]) => `${name}: ${value}\r\n`).join("");

const REQUEST = `GET ${SUBSCRIBE_PATH} HTTP/1.1\r\nHost: a\r\n` +
  `Sec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n${HANDSHAKE_LINES}\r\n`;

/** The first part of a message whose rest never comes. */
const UNFINISHED = webSocketFrame(Opcode.Binary, "x".repeat(100), { fin: false, masked: true });

Deno.test("ClientSessions ends a connection that never registers though it ignores the close, and counts it until then", async () => {
  const clientSessions = new ClientSessions(sessionContext(roomyRegistry(), new MemoryBus()));
  await using listening = new Listening((visit) => {
    const refusal = clientSessions.refusal(visit, [SUBPROTOCOL]);
    return refusal === null
      ? clientSessions.accept(visit)
      : { status: refusal.status, fields: [], body: null };
  });
  using peers = new DisposableStack();
  const connect = async (): Promise<SilentPeer> => {
    const peer = peers.use(await SilentPeer.connect(listening.port));
    await peer.reads("\r\n\r\n");
    return peer;
  };
  const silent: SilentPeer[] = [];
  {
    using clock = new FakeClock();
    for (let i = 0; i < MOST; i++) {
      const peer = await connect();
      await peer.reads("nonce");
      await peer.send(UNFINISHED);
      silent.push(peer);
    }
    assertEquals((await connect()).status, 503);
    clock.advance(10_000);
    for (const peer of silent) await peer.reads("no registration came within 10 s");
    assertEquals((await connect()).status, 503, "they were asked to close, and are still there");
    clock.advance(5_000);
  }
  for (const peer of silent) await peer.end();
  await eventually("room for the network", async () => (await connect()).status === 101);
});

/** A peer that notes what is sent to it and answers nothing. */
class SilentPeer implements Disposable {
  #said = "";
  readonly #connection: Deno.Conn;
  readonly #buffer = new Uint8Array(64 * 1024);

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** Connects and asks for the WebSocket of a client. */
  static async connect(port: number): Promise<SilentPeer> {
    const peer = new SilentPeer(await Deno.connect({ hostname: "127.0.0.1", port }));
    await peer.send(new TextEncoder().encode(REQUEST));
    return peer;
  }

  /** The status of the answer. */
  get status(): number {
    return Number(this.#said.split(" ")[1]);
  }

  async send(bytes: Uint8Array): Promise<void> {
    await this.#connection.write(bytes);
  }

  /** Reads until that text has come. */
  async reads(text: string): Promise<void> {
    while (!this.#said.includes(text)) {
      if (!await this.#read()) throw new Error(`the connection ended before ${text}`);
    }
  }

  /** Reads to the end of the connection. */
  async end(): Promise<void> {
    while (await this.#read());
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }

  async #read(): Promise<boolean> {
    const length = await this.#connection.read(this.#buffer);
    if (length === null) return false;
    this.#said += new TextDecoder("latin1").decode(this.#buffer.subarray(0, length));
    return true;
  }
}
