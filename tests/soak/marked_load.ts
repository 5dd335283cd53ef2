import { createHash } from "node:crypto";
import { Pacing } from "../testing/pacing.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { LAST_EVENT, markedHash, type MarkedOrigin, markedPieces } from "./marked_origin.ts";
import { talk } from "./marked_socket.ts";
import { PATIENCE } from "../testing/within.ts";
import { type Outcome, Visits } from "./visits.ts";

/** Requests under way at once: what waits must not stop the others, nor take all descriptors. */
const MAX_IN_FLIGHT = 2_000;

/** Bytes of the bodies of each kind. */
const SMALL = 1_000;
const UPLOAD = 65_536;
const DOWNLOAD = 1_000_000;

/** Events of a stream, four a second. */
const EVENTS = 12;

/** A leaver asks for a download and goes: one in two at once, the others with its head. */
type RequestKind = "small" | "upload" | "download" | "events" | "leaver";

export type VisitKind = RequestKind | "socket";

export interface MarkedLoadOptions {
  /** Requests a second, however long each takes. */
  readonly rate: number;
  /** The port of this machine that the next request goes to. */
  readonly port: number;
  /** What is sent as Host. */
  readonly host: string;
  readonly origin: MarkedOrigin;
  /** Gets by number the kind of a request. @default four fifths small, a tenth uploads, the rest events and downloads */
  readonly kind?: (id: number) => VisitKind;
}

/** Visits a tunnel at a steady rate, each request with an id and a body of its own, and judges every answer. */
export class MarkedLoad implements AsyncDisposable {
  readonly visits = new Visits();
  readonly #options: MarkedLoadOptions;
  readonly #pacing: Pacing;

  constructor(options: MarkedLoadOptions) {
    this.#options = options;
    const { rate } = options;
    this.#pacing = new Pacing(() => this.#record(++lastId), { rate, maxInFlight: MAX_IN_FLIGHT });
  }

  /** Requests that looked whole to the origin and were not. */
  get damaged(): number {
    return this.#options.origin.damaged;
  }

  /** Begins no more requests, waits for those under way and returns what became of all. */
  async stop(): Promise<Visits> {
    await this.#pacing.stop();
    return this.visits;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #record(id: number): Promise<void> {
    const kind = (this.#options.kind ?? mixed)(id);
    const began = performance.now();
    const { outcome, reason } = await this.#visit(id, kind);
    this.visits.add({ kind, began, took: performance.now() - began, outcome, reason });
  }

  async #visit(id: number, kind: VisitKind): Promise<{ outcome: Outcome; reason: string }> {
    try {
      if (kind === "socket") return { outcome: await talk(this.#options, id), reason: "" };
      const signal = AbortSignal.timeout(PATIENCE);
      const address = { hostname: "127.0.0.1", port: this.#options.port };
      using visitor = new RawHTTP(await Deno.connect({ ...address, signal }));
      return await this.#exchange(visitor, id, kind);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // What is not whole by its framing shows as an error of the reader or of the connection.
      const isSilent = error.message.startsWith("waited ") || error.name === "TimeoutError";
      return { outcome: isSilent ? "silent" : "cut", reason: error.message };
    }
  }

  async #exchange(visitor: RawHTTP, id: number, kind: RequestKind) {
    const sending = visitor.send(request(id, kind, this.#options.host))
      .then(() => kind === "upload" ? sendBody(visitor, id) : undefined);
    // An answer may come before the end of an upload that nobody reads any more.
    sending.catch(() => {});
    if (kind === "leaver") {
      await sending;
      return await leave(visitor, id);
    }
    const { status, head, body, text } = await visitor.receiveAll();
    const reason = `status ${status}`;
    if (status >= 400) return { outcome: "refused" as const, reason };
    if (status !== 200 || head.get("id") !== `${id}`) {
      return { outcome: "another's" as const, reason };
    }
    return { outcome: judge(id, kind, body, text), reason };
  }
}

/** Ids are never given twice, also not by two loads. */
let lastId = 0;

/** Gives by number a kind of request: four fifths are small, a tenth uploads, the rest events and downloads. */
export function mixed(id: number): VisitKind {
  if (id % 10 === 0) return "upload";
  if (id % 20 === 5) return "events";
  return id % 20 === 15 ? "download" : "small";
}

function request(id: number, kind: RequestKind, host: string): string {
  const download = `GET /down?id=${id}&length=${DOWNLOAD}${id % 40 < 20 ? "&chunked" : ""}`;
  const line = {
    small: `GET /down?id=${id}&length=${SMALL}`,
    download,
    leaver: download,
    events: `GET /events?id=${id}&length=${EVENTS}`,
    upload: `POST /up?id=${id}&length=${UPLOAD}`,
  }[kind];
  const length = kind === "upload" ? `Content-Length: ${UPLOAD}\r\n` : "";
  return `${line} HTTP/1.1\r\nHost: ${host}\r\n${length}\r\n`;
}

/** Goes before the answer is whole; a head that came must be the right one. */
async function leave(visitor: RawHTTP, id: number): Promise<{ outcome: Outcome; reason: string }> {
  if (id % 2 === 0) return { outcome: "right", reason: "" };
  const head = await visitor.receiveHead();
  const status = Number(head.startLine.split(" ")[1]);
  const reason = `status ${status}`;
  if (status >= 400) return { outcome: "refused", reason };
  return { outcome: head.get("id") === `${id}` ? "right" : "another's", reason };
}

async function sendBody(visitor: RawHTTP, id: number): Promise<void> {
  for (const piece of markedPieces(id, UPLOAD)) await visitor.send(piece);
}

/** Judges an answer that is whole by its framing. */
function judge(id: number, kind: VisitKind, body: Uint8Array, text: string): Outcome {
  if (kind === "upload") return text === markedHash(id, UPLOAD) ? "right" : "wrong";
  if (kind === "events") {
    if (text === `data: ${id}\n\n`.repeat(EVENTS) + LAST_EVENT) return "right";
    return text.endsWith(LAST_EVENT) ? "wrong" : "cut unseen";
  }
  const length = kind === "small" ? SMALL : DOWNLOAD;
  if (body.length < length) return "cut unseen";
  const sha256 = createHash("sha256").update(body).digest("hex");
  return sha256 === markedHash(id, length) ? "right" : "wrong";
}
