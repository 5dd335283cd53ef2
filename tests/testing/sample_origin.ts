import { createHash } from "node:crypto";
import { Feed } from "./feed.ts";
import { Pattern } from "./pattern.ts";
import { ServedOrigin } from "./served_origin.ts";
import { within } from "./within.ts";

/** What `/echo` tells of the request that it got. */
export interface Echo {
  readonly method: string;
  readonly target: string;
  /** As `Deno.serve` gives them: names in lower case, sorted. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly length: number;
  /** SHA-256 of the body, in hexadecimal. */
  readonly sha256: string;
}

/** Feeds that wait to be taken by `nextFeed`. */
const MAX_FEEDS = 100;

/** A well-behaved origin with the pages that nearly every web service has. */
export class SampleOrigin extends ServedOrigin {
  readonly #pattern = new Pattern();
  readonly #feeds: Feed[] = [];
  readonly #takers: ((feed: Feed) => void)[] = [];

  static start({ port = 0 } = {}): SampleOrigin {
    return new SampleOrigin(port);
  }

  /** Returns what the next request for `/sse` or `/ndjson` is answered with, for the test to write to. */
  async nextFeed(): Promise<Feed> {
    const waiting = this.#feeds.shift();
    if (waiting !== undefined) return waiting;
    const { promise, resolve } = Promise.withResolvers<Feed>();
    this.#takers.push(resolve);
    return await within(promise, "a request for a feed");
  }

  /** Returns the SHA-256 of `/bytes/<length>`, in hexadecimal. */
  sha256(length: number): string {
    return this.#pattern.sha256(length);
  }

  protected override answer(request: Request): Response | Promise<Response> {
    const { pathname } = new URL(request.url);
    const bytes = /^\/bytes\/(\d+)$/.exec(pathname);
    if (bytes !== null) return this.#bytes(request, Number(bytes[1]));
    const status = /^\/status\/(\d+)$/.exec(pathname);
    if (status !== null) return new Response(null, { status: Number(status[1]) });
    if (pathname === "/sse") return this.#feed("text/event-stream");
    if (pathname === "/ndjson") return this.#feed("application/x-ndjson");
    return PAGES[pathname]?.(request) ?? plain("no such page", 404);
  }

  /** Answers with the pattern, or with the one range of it that is asked for (RFC 9110 section 14). */
  #bytes(request: Request, length: number): Response {
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "");
    const first = range === null ? 0 : Number(range[1]);
    const end = range === null ? length : Math.min(length, Number(range[2]) + 1);
    const headers = new Headers({ "accept-ranges": "bytes", "content-length": `${end - first}` });
    if (range !== null) headers.set("content-range", `bytes ${first}-${end - 1}/${length}`);
    let offset = first;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => {
        if (offset === end) return controller.close();
        const piece = this.#pattern.at(offset, end - offset);
        // What is enqueued is given away, and the pattern stays.
        controller.enqueue(piece.slice());
        offset += piece.length;
      },
    }, { highWaterMark: 0 });
    return new Response(body, { status: range === null ? 200 : 206, headers });
  }

  #feed(contentType: string): Response {
    const feed = new Feed();
    const taker = this.#takers.shift();
    if (taker !== undefined) taker(feed);
    else if (this.#feeds.length < MAX_FEEDS) this.#feeds.push(feed);
    return new Response(feed.body, { headers: { "content-type": contentType } });
  }
}

/** Reads an answer of `/echo`. */
export function parseEcho(text: string): Echo {
  const echo: unknown = JSON.parse(text);
  if (isEcho(echo)) return echo;
  throw new TypeError(`not an answer of /echo: ${text}`);
}

function isEcho(value: unknown): value is Echo {
  return typeof value === "object" && value !== null && "sha256" in value;
}

const ETAG = '"v1"';

const PAGES: Readonly<Record<string, (request: Request) => Response | Promise<Response>>> = {
  "/": () => page("<!doctype html><title>Sample</title><h1>It works</h1>", "text/html"),
  "/echo": echo,
  "/mirror": ({ body }) => new Response(body),
  "/cookies": ({ headers }) => {
    const response = plain(headers.get("cookie") ?? "", 200);
    response.headers.append("set-cookie", "a=1; Path=/");
    response.headers.append("set-cookie", "b=2; Path=/");
    return response;
  },
  "/gzip": () => {
    const body = new Blob(["hello ".repeat(1_000)]).stream().pipeThrough(
      new CompressionStream("gzip"),
    );
    return new Response(body, { headers: { "content-encoding": "gzip" } });
  },
  "/etag": ({ headers }) => {
    const isFresh = headers.get("if-none-match") === ETAG;
    const body = isFresh ? null : "tagged";
    return new Response(body, { status: isFresh ? 304 : 200, headers: { etag: ETAG } });
  },
  "/socket": (request) => {
    const { response, socket } = Deno.upgradeWebSocket(request);
    socket.addEventListener("message", ({ data }) => socket.send(data));
    return response;
  },
  "/redirect": () => new Response(null, { status: 302, headers: { location: "/echo" } }),
};

async function echo({ method, url, headers, body }: Request): Promise<Response> {
  const hash = createHash("sha256");
  let length = 0;
  for await (const piece of body ?? []) {
    hash.update(piece);
    length += piece.length;
  }
  const target = url.slice(url.indexOf("/", url.indexOf("//") + 2));
  const seen: Echo = { method, target, fields: [...headers], length, sha256: hash.digest("hex") };
  return Response.json(seen);
}

function page(text: string, contentType: string, status = 200): Response {
  return new Response(text, { status, headers: { "content-type": contentType } });
}

function plain(text: string, status: number): Response {
  return page(text, "text/plain", status);
}
