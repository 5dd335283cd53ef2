import { withTimeout } from "../../net/with_timeout.ts";
import { BodyDecoder } from "../../http/body_decoder.ts";
import type { Field } from "../../http/fields.ts";
import { writeLatin1 } from "../../http/octets.ts";
import { type ParsedHead, ResponseHeadParser } from "../../http/response_parser.ts";
import { type ByteStream, writeAll } from "../../net/byte_stream.ts";
import { connect } from "../../websocket/connect.ts";
import { DialError } from "../../websocket/dial_error.ts";
import { durationText } from "../measures.ts";
import { PATIENCE, type Way } from "./public_way.ts";

/** What a visitor asks; what is not given is not sent. */
export interface Question {
  /** @default "GET" */
  readonly method?: string;
  readonly target: string;
  /** Fields beside Host, in order. */
  readonly fields?: readonly Field[];
}

/** Bytes read at a time, and the longest head that is taken. */
const BUFFER = 64 * 1024;

/** Milliseconds in which a connection must be made, by name, TCP and TLS. */
const CONNECT_TIMEOUT = 10_000;

/** One connection of a visitor who sees each byte as it comes: `fetch` would change targets, fields and bodies. */
export class Visitor implements Disposable {
  readonly #host: string;
  readonly #patience: number;
  readonly #connection: ByteStream;
  readonly #parser = new ResponseHeadParser();
  readonly #buffer = new Uint8Array(BUFFER);
  /** Where what was not read yet begins in the buffer, and where it ends. */
  #start = 0;
  #end = 0;
  #body: BodyDecoder | null = null;
  #isClosed = false;

  private constructor(connection: ByteStream, host: string, patience: number) {
    this.#connection = connection;
    this.#host = host;
    this.#patience = patience;
  }

  /**
   * Connects; `patience` is how many milliseconds each later step may take.
   *
   * @throws {DialError} with what is in the way, here and in each step.
   */
  static async open(
    { url, proxy, authorities }: Way,
    { patience = PATIENCE }: { readonly patience?: number } = {},
  ): Promise<Visitor> {
    const late = new AbortController();
    let step: "connection" | "answer" = "connection";
    const timer = setTimeout(() => late.abort(lateError(step)), CONNECT_TIMEOUT);
    try {
      const connection = await connect(url, {
        ...{ proxy, authorities, signal: late.signal },
        onConnected: () => step = "answer",
      });
      return new Visitor(connection, url.host, patience);
    } catch (error) {
      late.signal.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends a request's head. */
  async ask({ method = "GET", target, fields = [] }: Question): Promise<void> {
    const lines = [
      `${method} ${target} HTTP/1.1`,
      `Host: ${this.#host}`,
      ...fields.map(([name, value]) => `${name}: ${value}`),
    ];
    const text = `${lines.join("\r\n")}\r\n\r\n`;
    const bytes = new Uint8Array(text.length);
    writeLatin1(text, bytes, 0);
    await this.send(bytes);
  }

  /** Sends a part of a request's body. */
  async send(bytes: Uint8Array): Promise<void> {
    await this.#inTime(writeAll(this.#connection, bytes));
  }

  /** Waits for the head of the answer to a request of that method. */
  async answer(method = "GET"): Promise<ParsedHead> {
    return await this.#inTime(this.slowAnswer(method));
  }

  /** Waits likewise, for as long as it takes. */
  async slowAnswer(method: string): Promise<ParsedHead> {
    for (;;) {
      const parsed = this.#parser.parse(this.#buffer, this.#start, this.#end, method);
      if (parsed !== null) {
        this.#start = parsed.end;
        if (parsed.head.status < 200) continue;
        this.#body = new BodyDecoder(parsed.framing);
        return parsed;
      }
      if (!await this.#fill()) throw cut();
    }
  }

  /** Returns the next bytes of the answer's body, which the next call overwrites; null at its end. */
  async read(): Promise<Uint8Array | null> {
    const body = this.#body;
    if (body === null) return null;
    for (;;) {
      if (body.done) return null;
      if (this.#start === this.#end && !await this.#inTime(this.#fill())) {
        if (body.endConnection()) return null;
        throw cut();
      }
      this.#start = body.decode(this.#buffer, this.#start, this.#end);
      if (body.to > body.from) return this.#buffer.subarray(body.from, body.to);
    }
  }

  /** Returns the beginning of the body, as far as it is needed to recognize it. */
  async text(): Promise<string> {
    const decoder = new TextDecoder();
    let text = "";
    for (let piece = await this.read(); piece !== null; piece = await this.read()) {
      text += decoder.decode(piece, { stream: true });
      if (text.length > BUFFER) break;
    }
    return text;
  }

  /** Ends the connection; what waits for it rejects. */
  close(): void {
    if (!this.#isClosed) this.#connection.close();
    this.#isClosed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #inTime<T>(step: Promise<T>): Promise<T> {
    return await withTimeout(this.#patience, step, () => {
      step.catch(() => {});
      this.close();
      const failure = { kind: "late", step: "answer" } as const;
      throw new DialError(failure, `nothing came or went for ${durationText(this.#patience)}`);
    });
  }

  /** Reads more behind what is there; false at the end of the connection. */
  async #fill(): Promise<boolean> {
    if (this.#start === this.#end) this.#start = this.#end = 0;
    else if (this.#end === BUFFER) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    const count = await this.#connection.read(this.#buffer.subarray(this.#end));
    this.#end += count ?? 0;
    return count !== null;
  }
}

function cut(): DialError {
  return new DialError({ kind: "cut" }, "the connection was closed before the whole answer came");
}

function lateError(step: "connection" | "answer"): DialError {
  const what = step === "connection" ? "no connection came about" : "no answer came";
  return new DialError({ kind: "late", step }, `${what} within ${CONNECT_TIMEOUT / 1000} s`);
}
