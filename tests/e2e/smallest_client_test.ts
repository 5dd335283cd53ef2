import { assertEquals } from "@std/assert";
import { encodeBase64Url } from "@std/encoding/base64url";
// @ts-types="@types/ws"
import { WebSocket } from "ws";
import { newSigningKey } from "../testing/ed25519.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { startServer } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";

Deno.test("The smallest client of PROTOCOL.md, written from that document alone, serves a site", async (t) => {
  await using server = await startServer();
  const site = async (path: string, body: Uint8Array) => {
    if (path === "/long") return new Uint8Array(LONG).fill(0x78);
    return await Promise.resolve(encoder.encode(`${path} got ${body.length} bytes`));
  };
  using client = await SmallestClient.connect(server.url.origin, site);
  const host = new URL(await within(client.url, "the public URL")).host;
  const ask = async (head: string, body = "") => {
    using visitor = await RawHTTP.open(Number(server.url.port));
    return await visitor.exchange(`${head}\r\nHost: ${host}\r\n\r\n${body}`);
  };

  await t.step("a page", async () => {
    const { status, text } = await ask("GET /page HTTP/1.1");
    assertEquals([status, text], [200, "/page got 0 bytes"]);
  });
  await t.step("an upload of more than a window", async () => {
    const head = `POST /upload HTTP/1.1\r\nContent-Length: ${LONG}`;
    assertEquals((await ask(head, "x".repeat(LONG))).text, `/upload got ${LONG} bytes`);
  });
  await t.step("an answer of more than a window", async () => {
    assertEquals((await ask("GET /long HTTP/1.1")).text.length, LONG);
  });
  await t.step("a WebSocket is refused, and all goes on", async () => {
    const handshake = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    assertEquals((await ask(`GET / HTTP/1.1\r\n${handshake}`)).status, 503);
    assertEquals((await ask("GET /page HTTP/1.1")).status, 200);
  });
});

/** More bytes than a stream may carry before any credit. */
const LONG = 1_000_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

type Site = (path: string, body: Uint8Array) => Promise<Uint8Array>;

/** One request: the pieces of its body so far, and how much of an answer may be sent. */
interface Exchange {
  readonly body: Uint8Array[];
  readonly ended: PromiseWithResolvers<void>;
  credit: number;
  more: PromiseWithResolvers<void>;
}

/** Follows the pseudo code; nothing of it is the program's own code. */
class SmallestClient implements Disposable {
  readonly #registered = Promise.withResolvers<string>();
  readonly #exchanges = new Map<number, Exchange>();

  private constructor(
    readonly socket: WebSocket,
    readonly server: string,
    readonly key: Awaited<ReturnType<typeof newSigningKey>>,
    readonly site: Site,
  ) {
    socket.binaryType = "arraybuffer";
    socket.on("message", (message: ArrayBuffer) => this.#onMessage(new Uint8Array(message)));
  }

  static async connect(server: string, site: Site): Promise<SmallestClient> {
    const socket = new WebSocket(`${server.replace("http", "ws")}/proxy/subscribe`, "tunnel.v1");
    return new SmallestClient(socket, server, await newSigningKey(), site);
  }

  get url(): Promise<string> {
    return this.#registered.promise;
  }

  #onMessage(message: Uint8Array): void {
    const view = new DataView(message.buffer);
    for (let at = 0; at < message.length;) {
      const [type = 0, flags = 0] = message.subarray(at, at + 2);
      const [stream, length] = [view.getUint32(at + 2), view.getUint32(at + 6)];
      this.#onFrame(type, (flags & 1) !== 0, stream, message.slice(at + 10, at + 10 + length));
      at += 10 + length;
    }
  }

  #onFrame(type: number, end: boolean, stream: number, payload: Uint8Array<ArrayBuffer>): void {
    const exchange = this.#exchanges.get(stream);
    switch (type) {
      case 0x01:
        void this.#register(JSON.parse(decoder.decode(payload)).nonce);
        return;
      case 0x03:
        this.#registered.resolve(JSON.parse(decoder.decode(payload)).urls[0]);
        return;
      case 0x10: {
        const opened: Exchange = {
          body: [],
          ended: Promise.withResolvers(),
          credit: u32(payload),
          more: Promise.withResolvers(),
        };
        this.#exchanges.set(stream, opened);
        if (end) opened.ended.resolve();
        void this.#answer(stream, decoder.decode(payload.subarray(4)), opened);
        return;
      }
      case 0x12:
        exchange?.body.push(payload);
        if (payload.length > 0) this.#send(0x30, 0, stream, bytesOf(payload.length));
        if (end) exchange?.ended.resolve();
        return;
      case 0x20:
        this.#send(0x31, 0, stream, new Uint8Array([0, 5]));
        return;
      case 0x30:
        if (exchange === undefined) return;
        exchange.credit += u32(payload);
        exchange.more.resolve();
        exchange.more = Promise.withResolvers();
        return;
      case 0x31:
        this.#exchanges.delete(stream);
        return;
      case 0x40:
        this.#send(0x41, 0, 0, payload);
    }
  }

  async #register(nonce: string): Promise<void> {
    const jwk = { kty: "OKP", crv: "Ed25519", x: encodeBase64Url(this.key.publicKey) };
    const header = { alg: "EdDSA", jwk };
    const parts = [header, { aud: this.server, nonce }].map((part) =>
      encodeBase64Url(JSON.stringify(part))
    );
    const signed = parts.join(".");
    const signature = await crypto.subtle.sign(
      "Ed25519",
      this.key.privateKey,
      encoder.encode(signed),
    );
    const jws = `${signed}.${encodeBase64Url(signature)}`;
    this.#send(0x02, 0, 0, encoder.encode(JSON.stringify({ jws })));
  }

  async #answer(stream: number, head: string, exchange: Exchange): Promise<void> {
    await exchange.ended.promise;
    const [, path = ""] = head.split(" ");
    const body = await this.site(path, await bytesOfAll(exchange.body));
    this.#send(0x11, 0, stream, encoder.encode(`200\r\ncontent-length: ${body.length}\r\n`));
    for (let at = 0; at < body.length; at += 65_536) {
      const piece = body.slice(at, at + 65_536);
      while (exchange.credit < piece.length) await exchange.more.promise;
      exchange.credit -= piece.length;
      this.#send(0x12, 0, stream, piece);
    }
    this.#send(0x12, 1, stream, new Uint8Array(0));
    this.#exchanges.delete(stream);
  }

  #send(type: number, flags: number, stream: number, payload: Uint8Array): void {
    const frame = new Uint8Array(10 + payload.length);
    const view = new DataView(frame.buffer);
    frame.set([type, flags]);
    view.setUint32(2, stream);
    view.setUint32(6, payload.length);
    frame.set(payload, 10);
    this.socket.send(frame);
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}

function u32(payload: Uint8Array<ArrayBuffer>): number {
  return new DataView(payload.buffer).getUint32(0);
}

function bytesOf(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

async function bytesOfAll(pieces: readonly Uint8Array[]): Promise<Uint8Array> {
  return new Uint8Array(await new Blob(pieces.map((piece) => piece.slice())).arrayBuffer());
}
