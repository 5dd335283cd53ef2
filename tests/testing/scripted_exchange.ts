import { BodyReader, requestFraming } from "./body_reader.ts";
import { ByteReader } from "./byte_reader.ts";
import { toBytes, toText } from "./latin1.ts";
import { MessageHead } from "./message_head.ts";

/** Bytes kept of each request as they came, heads and framing included. */
const MAX_RECORDED = 64 * 1024;

/** One request as an origin got it, and the means to answer it byte by byte. */
export class ScriptedExchange {
  readonly head: MessageHead;
  /** Reads the request's body at the test's own pace: what is not read holds the sender back. */
  readonly body: BodyReader;
  /** Settles when this request is done with: answered, or its connection closed. */
  readonly over: Promise<void>;
  readonly #connection: ScriptedConnection;
  readonly #record: readonly string[];
  readonly #finish: () => void;

  constructor(
    connection: ScriptedConnection,
    head: MessageHead,
    body: BodyReader,
    record: string[],
  ) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.head = head;
    this.body = body;
    this.over = promise;
    this.#connection = connection;
    this.#record = record;
    this.#finish = resolve;
  }

  get method(): string {
    return this.head.startLine.split(" ")[0] ?? "";
  }

  get target(): string {
    return this.head.startLine.split(" ")[1] ?? "";
  }

  /** Returns the bytes of this request that were read so far, as Latin-1: the head, and the body as it was framed. */
  get received(): string {
    return this.#record.join("");
  }

  /** Writes these bytes, text as Latin-1; resolves once the system has taken them all. */
  async write(data: string | Uint8Array): Promise<void> {
    await this.#connection.write(toBytes(data));
  }

  /** Reads the request to its end, writes a whole response, and lets the connection take the next request. */
  async answer(response: string | Uint8Array): Promise<void> {
    await this.body.forEach(() => {});
    await this.write(response);
    this.done();
  }

  /** Lets the connection take the next request. */
  done(): void {
    this.#finish();
  }

  /** Closes the connection. */
  close(): void {
    this.#connection.close();
    this.#finish();
  }

  /** Waits until the other side ends the connection, passing over what it still sends. */
  async hangUp(): Promise<void> {
    await this.#connection.drain();
    this.close();
  }
}

/** One connection of an origin: gives its requests one after the other. */
export class ScriptedConnection {
  readonly #socket: Deno.TcpConn;
  readonly #reader: ByteReader;
  /** What was read since the last request began, and its length. */
  #record: string[] = [];
  #recordLength = 0;
  #isClosed = false;
  #current: ScriptedExchange | undefined;

  constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
    this.#reader = new ByteReader({ read: (buffer) => this.#read(buffer) });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ScriptedExchange> {
    for (let text = await this.#nextHead(); text !== null; text = await this.#nextHead()) {
      const head = new MessageHead(text);
      const body = new BodyReader(this.#reader, requestFraming(head));
      this.#current = new ScriptedExchange(this, head, body, this.#record);
      yield this.#current;
      await body.forEach(() => {});
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#socket.write(bytes.subarray(sent));
    }
  }

  /** Reads until the other side ends the connection, in whatever way. */
  async drain(): Promise<void> {
    try {
      while (await this.#reader.read() !== null);
    } catch (error) {
      const isEnd = error instanceof Deno.errors.ConnectionReset ||
        error instanceof Deno.errors.BrokenPipe;
      if (!isEnd) throw error;
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
    this.#current?.done();
  }

  async #nextHead(): Promise<string | null> {
    this.#record = [];
    this.#recordLength = 0;
    return await this.#reader.readHead();
  }

  async #read(buffer: Uint8Array): Promise<number | null> {
    const count = await this.#socket.read(buffer);
    if (count !== null && this.#recordLength < MAX_RECORDED) {
      this.#record.push(toText(buffer.subarray(0, count)));
      this.#recordLength += count;
    }
    return count;
  }
}
