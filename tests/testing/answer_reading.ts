import { BodyDecoder } from "../../lib/http/body_decoder.ts";
import type { ResponseHead } from "../../lib/http/head.ts";
import { OriginError } from "../../lib/http/origin_error.ts";
import { type ParsedHead, ResponseHeadParser } from "../../lib/http/response_parser.ts";
import { joined } from "./frame_peer.ts";
import { toText } from "./latin1.ts";

/** What reading an answer comes to, when the connection ends behind its bytes. */
export interface AnswerReading {
  readonly head: ResponseHead | null;
  readonly body: string;
  /** What was mended of head and body. */
  readonly mended: readonly string[];
  /** Whether the body is complete. */
  readonly isWhole: boolean;
  /** Bytes behind the body. */
  readonly left: number;
  readonly error: OriginError | null;
}

/** Reads the answer to a request as the client does, from pieces that arrive one after the other. */
export function readAnswer(arriving: readonly Uint8Array[], method = "GET"): AnswerReading {
  const buffer = joined(...arriving);
  const parser = new ResponseHeadParser();
  const body: Uint8Array[] = [];
  let parsed: ParsedHead | null = null;
  let decoder: BodyDecoder | null = null;
  let start = 0;
  let end = 0;
  let error: OriginError | null = null;
  let isWhole = false;
  try {
    for (const piece of arriving) {
      end += piece.length;
      if (parsed === null) {
        parsed = parser.parse(buffer, 0, end, method);
        if (parsed === null) continue;
        start = parsed.end;
        decoder = new BodyDecoder(parsed.framing);
      }
      while (decoder !== null && !decoder.done && start < end) {
        // The decoder may move bytes within what it was given, and what comes later lies behind that.
        start = decoder.decode(buffer, start, end);
        body.push(buffer.slice(decoder.from, decoder.to));
      }
    }
    isWhole = decoder?.endConnection() ?? false;
  } catch (thrown) {
    if (!(thrown instanceof OriginError)) throw thrown;
    error = thrown;
  }
  return {
    head: parsed?.head ?? null,
    body: toText(joined(...body)),
    mended: [...new Set([...parsed?.mended ?? [], ...decoder?.takeMended() ?? []])],
    isWhole,
    left: end - start,
    error,
  };
}
