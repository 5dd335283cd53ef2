import { createHash } from "node:crypto";
import { Pattern } from "../testing/pattern.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import type { SeededRandom } from "../testing/seeded_random.ts";
import { ServedOrigin } from "../testing/served_origin.ts";
import type { Tunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";

/** Visitors at a time. */
const VISITORS = 8;
/** Bytes of a body at the most: some go in one frame, some need many windows. */
const MAX_BODY = 400_000;
/** Milliseconds for one request: longer than the server waits for an answer's head. */
const PATIENCE = 40_000;

const PATTERN = new Pattern();

/** What became of the requests. */
export interface VisitCounts {
  requests: number;
  /** Whole, and the visitor's own. */
  right: number;
  /** Answered by the server, which says that the tunnel failed. */
  refused: number;
  /** Cut so that the visitor sees it. */
  cut: number;
  /** Without a byte for so long that the visitor leaves. */
  silent: number;
  /** Whole by their framing, with other bytes than were sent. */
  wrong: number;
  /** Answers to somebody else's request. */
  others: number;
  /** Whole by their framing, but shorter than what was sent, either way. */
  cutUnseen: number;
}

/** A service that sends what it is asked for and remembers how each upload looked. */
export class CheckedOrigin extends ServedOrigin {
  /** Uploads by the visitor's id whose end was seen, with their lengths and hashes. */
  readonly uploads = new Map<string, { readonly length: number; readonly sha256: string }>();

  static start(): CheckedOrigin {
    return new CheckedOrigin();
  }

  protected override async answer(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const id = searchParams.get("id") ?? "";
    if (pathname === "/up") {
      const hash = createHash("sha256");
      let length = 0;
      try {
        for await (const bytes of request.body ?? []) {
          hash.update(bytes);
          length += bytes.length;
        }
      } catch {
        return new Response("cut\n", { status: 400 });
      }
      this.uploads.set(id, { length, sha256: hash.digest("hex") });
      return new Response(id, { headers: { id } });
    }
    const length = Number(searchParams.get("length"));
    const isChunked = searchParams.has("chunked");
    const body = ReadableStream.from(PATTERN.pieces(length, 16_384));
    const headers = isChunked ? { id } : { id, "content-length": `${length}` };
    return new Response(body, { headers });
  }
}

/** Visitors who send requests of random kinds and sizes, one after another, and check every byte. */
export class CheckedVisits {
  readonly #tunnel: Tunnel;
  readonly #origin: CheckedOrigin;
  readonly #random: SeededRandom;
  #lastId = 0;

  constructor(tunnel: Tunnel, origin: CheckedOrigin, random: SeededRandom) {
    this.#tunnel = tunnel;
    this.#origin = origin;
    this.#random = random;
  }

  /** Sends requests until the time (of `performance.now`) has come, and waits for the last answers. */
  async run(end: number): Promise<VisitCounts> {
    const counts = {
      requests: 0,
      right: 0,
      refused: 0,
      cut: 0,
      silent: 0,
      wrong: 0,
      others: 0,
      cutUnseen: 0,
    };
    const visit = async () => {
      while (performance.now() < end) {
        counts.requests++;
        const outcome = await this.#visit();
        counts[outcome]++;
        // Who is refused comes again a little later, or all that is counted would be refusals.
        if (outcome === "refused") await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    await Promise.all(Array.from({ length: VISITORS }, visit));
    return counts;
  }

  async isServed(): Promise<boolean> {
    return await this.#visit() === "right";
  }

  async #visit(): Promise<Exclude<keyof VisitCounts, "requests">> {
    const id = `${++this.#lastId}`;
    const length = this.#random.integer(0, this.#random.pick([1_000, 30_000, MAX_BODY]));
    const kind = this.#random.pick(["up", "down", "down&chunked"]);
    try {
      using visitor = await RawHTTP.open(Number(this.#tunnel.server.url.port));
      const visit = kind === "up"
        ? this.#upload(visitor, id, length)
        : this.#download(visitor, id, length, kind);
      return await within(visit, "an answer", PATIENCE);
    } catch (error) {
      // What is not whole by its framing shows as an error of the reader or of the connection.
      if (!(error instanceof Error)) throw error;
      return error.message.startsWith("waited ") ? "silent" : "cut";
    } finally {
      this.#origin.uploads.delete(id);
    }
  }

  async #download(visitor: RawHTTP, id: string, length: number, kind: string) {
    const flag = kind === "down" ? "" : "&chunked";
    const request = this.#tunnel.write(`/down?id=${id}&length=${length}${flag}`);
    const { status, head, body } = await visitor.exchange(request);
    if (status >= 500) return "refused";
    if (status !== 200 || head.get("id") !== id) return "others";
    if (body.length < length) return "cutUnseen";
    const isRight = body.length === length && PATTERN.matches(0, body);
    return isRight ? "right" : "wrong";
  }

  async #upload(visitor: RawHTTP, id: string, length: number) {
    const isChunked = length % 2 === 0;
    const framing = isChunked ? "Transfer-Encoding: chunked" : `Content-Length: ${length}`;
    const { host } = this.#tunnel;
    const sending = (async () => {
      await visitor.send(`POST /up?id=${id} HTTP/1.1\r\nHost: ${host}\r\n${framing}\r\n\r\n`);
      for (const piece of PATTERN.pieces(length, 16_384)) {
        if (isChunked) await visitor.send(`${piece.length.toString(16)}\r\n`);
        await visitor.send(piece);
        if (isChunked) await visitor.send("\r\n");
      }
      if (isChunked) await visitor.send("0\r\n\r\n");
    })();
    // An answer may come before the end of an upload that nobody reads any more.
    sending.catch(() => {});
    const { status, head, text } = await visitor.receiveAll("POST");
    const seen = this.#origin.uploads.get(id);
    // Whatever the visitor is told: an upload that looked whole to the service must have been whole.
    if (seen !== undefined && seen.length < length) return "cutUnseen";
    if (seen !== undefined && seen.sha256 !== PATTERN.sha256(length)) return "wrong";
    if (status >= 500) return "refused";
    if (status !== 200 || head.get("id") !== id || text !== id) return "others";
    await sending;
    return seen === undefined ? "wrong" : "right";
  }
}
