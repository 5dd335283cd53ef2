import { assert, assertEquals } from "@std/assert";
import { Pattern } from "./pattern.ts";
import { RawHTTP } from "./raw_http.ts";
import { parseEcho } from "./sample_origin.ts";
import { openWebSocket } from "./websocket_peer.ts";
import { within } from "./within.ts";

/** Where a visit goes. */
export interface Visited {
  /** A port of this machine. */
  readonly port: number;
  /** What is sent as Host. */
  readonly host: string;
}

/** Milliseconds between two pieces of what takes its time. */
const PAUSE = 50;

/** Bytes of one piece: small, so that it takes many of them. */
const PIECE = 64 * 1024;

/** Bytes of a download: more than the tunnel and the system buffer, so that it goes on for as long as it is read slowly. */
const DOWNLOAD = 12 * 1024 * 1024;

/** An upload, a download and a WebSocket to the sample origin, which go on until they are told that it is enough. */
export class LongVisits implements AsyncDisposable {
  readonly #visits: ReadonlyMap<string, Promise<void>>;
  #isEnough = false;

  private constructor(visited: Visited) {
    const goesOn = async (): Promise<boolean> => {
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
      return !this.#isEnough;
    };
    this.#visits = new Map([
      ["an upload", upload(visited, goesOn)],
      ["a download", download(visited, goesOn)],
      ["a WebSocket", talk(visited, goesOn)],
    ]);
    // The end may be waited for later.
    for (const visit of this.#visits.values()) visit.catch(() => {});
  }

  static start(visited: Visited): LongVisits {
    return new LongVisits(visited);
  }

  /** Lets each come to its end; resolves when they have, whole, and rejects when one was cut or is not what was sent. */
  async finish(): Promise<void> {
    this.#isEnough = true;
    const visits = [...this.#visits].map(([name, visit]) => within(visit, `the end of ${name}`));
    await Promise.all(visits);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnough = true;
    await Promise.allSettled(this.#visits.values());
  }
}

/** Uploads in chunks for as long as it goes on; the origin must have got every byte. */
async function upload({ port, host }: Visited, goesOn: () => Promise<boolean>): Promise<void> {
  const pattern = new Pattern();
  using visitor = await RawHTTP.open(port);
  await visitor.send(
    `POST /echo HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n`,
  );
  let length = 0;
  do {
    const piece = pattern.at(length, PIECE);
    await visitor.send(`${piece.length.toString(16)}\r\n`);
    await visitor.send(piece);
    await visitor.send("\r\n");
    length += piece.length;
  } while (await goesOn());
  const [{ status, text }] = await Promise.all([
    visitor.receiveAll("POST"),
    visitor.send("0\r\n\r\n"),
  ]);
  assertEquals(status, 200, text);
  assertEquals([parseEcho(text).length, parseEcho(text).sha256], [length, pattern.sha256(length)]);
}

/** Reads a download slowly for as long as it goes on, and then to its end. */
async function download({ port, host }: Visited, goesOn: () => Promise<boolean>): Promise<void> {
  const pattern = new Pattern();
  using visitor = await RawHTTP.open(port);
  await visitor.send(`GET /bytes/${DOWNLOAD} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const { status, body } = await visitor.receive();
  assertEquals(status, 200);
  let read = 0;
  let isSlow = true;
  for (let piece = await body.read(); piece !== null; piece = await body.read()) {
    assert(pattern.matches(read, piece), `other bytes behind ${read}`);
    read += piece.length;
    isSlow &&= await goesOn();
  }
  assertEquals(read, DOWNLOAD);
}

/** Sends a message and waits for its echo, for as long as it goes on, and closes in order. */
async function talk({ port, host }: Visited, goesOn: () => Promise<boolean>): Promise<void> {
  using socket = await openWebSocket(`ws://127.0.0.1:${port}/socket`, { headers: { host } });
  let sent = 0;
  do {
    socket.send(`message ${++sent}`);
    assertEquals(await socket.next(), `message ${sent}`);
  } while (await goesOn());
  socket.close(1000, "enough");
  assertEquals(await socket.closed, { code: 1000, reason: "enough" });
}
