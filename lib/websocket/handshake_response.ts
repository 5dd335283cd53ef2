import { BodyDecoder } from "../http/body_decoder.ts";
import { latin1, LINE_END } from "../http/octets.ts";
import { type ParsedHead, ResponseHeadParser } from "../http/response_parser.ts";
import { OriginError } from "../http/origin_error.ts";
import type { ByteStream } from "../net/byte_stream.ts";
import { DialError } from "./dial_error.ts";

/** Bytes of a response head and of what comes with it: a 101 has few fields, a proxy's refusal has some more. */
const MAX_RESPONSE = 16 * 1024;

/** Bytes of a refusal's body that are read: its sentence stands at the beginning, or the title of its page. */
const MAX_REFUSAL = 1024;

/** Characters of that sentence that are shown. */
const MAX_SENTENCE = 200;

/** How a TLS record begins that is an alert (RFC 8446 section 5.1): what a TLS server answers to plain text. */
const TLS_ALERT = [0x15, 0x03] as const;

/** Reads a peer's answer to an opening handshake by the strict parser; every fault is a DialError. */
export class HandshakeResponse {
  readonly #connection: ByteStream;
  readonly #parser = new ResponseHeadParser();
  readonly #buffer = new Uint8Array(MAX_RESPONSE);
  /** Where the last head begins, and where the bytes that were read end. */
  #start = 0;
  #end = 0;

  constructor(connection: ByteStream) {
    this.#connection = connection;
  }

  /** Reads the final head; informational ones, which any answer may begin with, are passed over. */
  async head(): Promise<ParsedHead> {
    for (;;) {
      const parsed = this.#parse();
      if (parsed === null) await this.#fill();
      else if (parsed.head.status === 101 || parsed.head.status >= 200) return parsed;
      else this.#start = parsed.end;
    }
  }

  /** Returns the fields by their lower-case names, equal names joined. It has those of the connection, which a parsed head leaves out. */
  fields({ end }: ParsedHead): ReadonlyMap<string, string> {
    const fields = new Map<string, string>();
    // The parser has found the head well-formed, and looked at every octet.
    const head = latin1(this.#buffer, this.#start, end);
    for (const line of head.split(LINE_END).slice(1, -2)) {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 1).trim();
      const before = fields.get(name);
      fields.set(name, before === undefined ? value : `${before}, ${value}`);
    }
    return fields;
  }

  /** Returns the bytes behind the head. */
  behind({ end }: ParsedHead): Uint8Array {
    return this.#buffer.slice(end, this.#end);
  }

  /** Returns the beginning of the body, as far as it comes. */
  async body({ end, framing }: ParsedHead): Promise<string> {
    const decoder = new BodyDecoder(framing);
    const text = new TextDecoder();
    let body = "";
    let at = end;
    try {
      while (!decoder.done && body.length < MAX_REFUSAL) {
        if (at === this.#end) await this.#fill();
        at = decoder.decode(this.#buffer, at, this.#end);
        body += text.decode(this.#buffer.subarray(decoder.from, decoder.to), { stream: true });
      }
    } catch {
      // What has come, or the status alone, tells enough.
    }
    return body;
  }

  #parse(): ParsedHead | null {
    let parsed: ParsedHead | null;
    try {
      parsed = this.#parser.parse(this.#buffer, this.#start, this.#end, "GET");
    } catch (cause) {
      if (!(cause instanceof OriginError)) throw cause;
      if (TLS_ALERT.every((octet, i) => this.#buffer[this.#start + i] === octet)) {
        throw new DialError({ kind: "wants_tls" }, "it speaks TLS on this port", { cause });
      }
      throw notHTTP("it does not speak HTTP/1.1", cause);
    }
    // A server of the tunnel writes none of what is mended of an origin's answer; what refuses may be anything.
    const [fault] = parsed?.head.status === 101 ? parsed.mended : [];
    if (fault !== undefined) throw notHTTP(`it does not speak HTTP/1.1: ${fault}`);
    return parsed;
  }

  async #fill(): Promise<void> {
    if (this.#end === MAX_RESPONSE) {
      throw notHTTP(`its answer has a head of more than ${MAX_RESPONSE} bytes`);
    }
    const count = await this.#connection.read(this.#buffer.subarray(this.#end));
    if (count === null) {
      throw new DialError({ kind: "cut" }, "it closed the connection without an answer");
    }
    this.#end += count;
  }
}

function notHTTP(message: string, cause?: unknown): DialError {
  return new DialError({ kind: "not_http" }, message, { cause });
}

/**
 * Finds what the body of a refusal with that status says for people, on one line: the sentence in its text or the title
 * of its page; empty for nothing.
 */
export function sentenceIn(body: string, status: number): string {
  return (body.trimStart().startsWith("<") ? titleOf(body) : lineIn(body, status))
    .slice(0, MAX_SENTENCE);
}

function lineIn(body: string, status: number): string {
  const [first = "", second = ""] = body.split("\n").map((line) => line.trim())
    .filter((line) => line !== "");
  // A server of this protocol says its status again, and then the reason in a sentence; others do as they like.
  return first.startsWith(`${status} `) && second !== "" ? second : first;
}

function titleOf(page: string): string {
  const [, title = ""] = /<title[^>]*>([^<]*)</i.exec(page) ?? [];
  return title.trim().replaceAll(/\s+/g, " ");
}
