import { ErrorCode, SessionError } from "../wire/errors.ts";
import { BodyDecoder } from "../http/body_decoder.ts";
import { latin1, LINE_END } from "../http/octets.ts";
import { type ParsedHead, ResponseHeadParser } from "../http/response_parser.ts";
import { OriginError } from "../http/origin_error.ts";
import type { ByteStream } from "./tcp_transport.ts";

/** Bytes of a response head and of what comes with it: a 101 has few fields, a proxy's refusal has some more. */
const MAX_RESPONSE = 16 * 1024;

/** Bytes of a refusal's body that are shown. */
const MAX_REFUSAL = 200;

/** Reads a server's answer to the opening handshake by the strict parser; every fault is a SessionError. */
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

  /** Returns the beginning of the body, as far as it comes with the head or right behind it. */
  async body({ end, framing }: ParsedHead): Promise<string> {
    const decoder = new BodyDecoder(framing);
    let at = end;
    try {
      while (!decoder.done) {
        if (at === this.#end) await this.#fill();
        at = decoder.decode(this.#buffer, at, this.#end);
        if (decoder.to > decoder.from) {
          const last = Math.min(decoder.to, decoder.from + MAX_REFUSAL);
          return new TextDecoder().decode(this.#buffer.subarray(decoder.from, last));
        }
      }
    } catch {
      // The status alone tells enough.
    }
    return "";
  }

  #parse(): ParsedHead | null {
    let parsed: ParsedHead | null;
    try {
      parsed = this.#parser.parse(this.#buffer, this.#start, this.#end, "GET");
    } catch (cause) {
      throw cause instanceof OriginError ? failure("it does not speak HTTP/1.1", cause) : cause;
    }
    // A server of the tunnel writes none of what is mended of an origin's answer.
    const [fault] = parsed?.mended ?? [];
    if (fault !== undefined) throw failure(`it does not speak HTTP/1.1: ${fault}`);
    return parsed;
  }

  async #fill(): Promise<void> {
    if (this.#end === MAX_RESPONSE) {
      throw failure(`its answer has a head of more than ${MAX_RESPONSE} bytes`);
    }
    const count = await this.#connection.read(this.#buffer.subarray(this.#end));
    if (count === null) throw failure("it closed the connection without an answer");
    this.#end += count;
  }
}

function failure(message: string, cause?: unknown): SessionError {
  return new SessionError(ErrorCode.GoingAway, message, { cause });
}
