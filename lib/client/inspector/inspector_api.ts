import { APIError } from "./api_error.ts";
import { bodyAnswer, previewAnswer, type Side } from "./body_answers.ts";
import { EventFeed } from "./event_feed.ts";
import type { ReplayAnswer } from "./exchange.ts";
import { filtered, integerIn, pageOf } from "./exchange_filter.ts";
import type { ExchangeRecord } from "./exchange_record.ts";
import type { ExchangeStore } from "./exchange_store.ts";
import { exchangeOf, messagePage, summaryOf } from "./exchange_view.ts";
import { harOf } from "./har.ts";
import { parseReplay, parseSignature, readJSON } from "./json_request.ts";
import type { RecordingService } from "./recording_service.ts";
import { Replays } from "./replays.ts";
import { checkSignature } from "./signature_check.ts";
import type { TunnelStatus } from "./tunnel_status.ts";

/** Messages of a page, unless it is said and at most. */
const MESSAGES = { byDefault: 200, most: 1000 } as const;

/** A call: what is asked for, and how. */
interface Call {
  readonly request: Request;
  readonly method: string;
  readonly parameters: URLSearchParams;
}

/** Answers the calls that .github/INSPECTOR.md describes. */
export class InspectorAPI {
  readonly #store: ExchangeStore;
  readonly #tunnel: TunnelStatus;
  readonly #services: ReadonlyMap<string, RecordingService>;
  readonly #feed: EventFeed;
  readonly #replays: Replays;

  constructor({ store, tunnel, services }: {
    readonly store: ExchangeStore;
    readonly tunnel: TunnelStatus;
    /** By the names of their tunnels. */
    readonly services: ReadonlyMap<string, RecordingService>;
  }) {
    this.#store = store;
    this.#tunnel = tunnel;
    this.#services = services;
    this.#feed = new EventFeed(store, tunnel);
    this.#replays = new Replays(store);
  }

  /** Answers a call of a path below `/api/`. @throws {APIError} when it cannot be done. */
  async answer(request: Request, url: URL): Promise<Response> {
    const method = request.method === "HEAD" ? "GET" : request.method;
    const call: Call = { request, method, parameters: url.searchParams };
    const [first = "", ...rest] = url.pathname.slice("/api/".length).split("/");
    if (first === "exchanges" && rest.length > 0) return await this.#exchange(call, rest);
    if (rest.length === 0) {
      if (first === "exchanges") return this.#exchanges(call);
      if (first === "events") return this.#events(call);
      if (first === "tunnel") return this.#state(call);
      if (first === "har") return this.#har(call);
    }
    throw notFound(url.pathname);
  }

  /** Ends its streams and replays. */
  close(): void {
    this.#feed.close();
    this.#replays.close();
  }

  #exchanges(call: Call): Response {
    allow(call, "GET", "DELETE");
    if (call.method === "GET") return Response.json(pageOf(this.#store.list(), call.parameters));
    this.#store.clear();
    return new Response(null, { status: 204 });
  }

  #events(call: Call): Response {
    allow(call, "GET");
    const id = integerIn(call.parameters, "messages");
    const stream = this.#feed.open(id === null ? null : this.#find(`${id}`));
    return new Response(stream, { headers: { "content-type": "text/event-stream" } });
  }

  #state(call: Call): Response {
    allow(call, "GET");
    return Response.json(this.#tunnel.state);
  }

  #har(call: Call): Response {
    allow(call, "GET");
    const records = filtered(this.#store.list(), call.parameters);
    const body = ReadableStream.from(harOf(records, this.#tunnel.state.version));
    return new Response(body.pipeThrough(new TextEncoderStream()), {
      headers: {
        "content-type": "application/json",
        "content-disposition": 'attachment; filename="tunnel.har"',
      },
    });
  }

  async #exchange(call: Call, [id = "", ...rest]: readonly string[]): Promise<Response> {
    const record = this.#find(id);
    const path = rest.join("/");
    switch (path) {
      case "":
        allow(call, "GET");
        return Response.json(exchangeOf(record, this.#replaysOf(record)));
      case "messages":
        allow(call, "GET");
        return messagesAnswer(record, call.parameters);
      case "replay":
        allow(call, "POST");
        return await this.#replay(call, record);
      case "signature":
        allow(call, "POST");
        return await signatureAnswer(call, record);
    }
    const [, side, form] = BODY_PATH.exec(path) ?? [];
    if (side === undefined) throw notFound(new URL(call.request.url).pathname);
    allow(call, "GET");
    const of: Side = side === "request" ? "request" : "response";
    if (form === "preview") return await previewAnswer(record, of);
    return await bodyAnswer(record, of, { isDecoded: call.parameters.get("decoded") === "true" });
  }

  async #replay(call: Call, record: ExchangeRecord): Promise<Response> {
    const request = parseReplay(await readJSON(call.request));
    const service = this.#services.get(record.tunnel);
    if (service === undefined) {
      throw new APIError("conflict", `The tunnel ${record.tunnel} does not run any more.`);
    }
    const ids = await this.#replays.start(service, record, request);
    const exchanges = ids.flatMap((id) => this.#store.get(id) ?? []).map(summaryOf);
    const answer: ReplayAnswer = { ids, exchanges };
    return Response.json(answer, { status: 201 });
  }

  #find(id: string): ExchangeRecord {
    const record = /^[1-9][0-9]{0,14}$/.test(id) ? this.#store.get(Number(id)) : undefined;
    if (record !== undefined) return record;
    throw new APIError("not_found", `The exchange ${JSON.stringify(id)} is not kept (any more).`);
  }

  #replaysOf({ id }: ExchangeRecord): number[] {
    return this.#store.list().filter(({ replayOf }) => replayOf === id).map((record) => record.id);
  }
}

const BODY_PATH = /^(request|response)\/(body|preview)$/;

function messagesAnswer({ messages }: ExchangeRecord, parameters: URLSearchParams): Response {
  if (messages === null) throw new APIError("conflict", "This exchange has no messages.");
  const limit = integerIn(parameters, "limit", 1, MESSAGES.most) ?? MESSAGES.byDefault;
  const after = integerIn(parameters, "after");
  if (after !== null) return Response.json(messagePage(messages, after + 1, after + 1 + limit));
  const before = integerIn(parameters, "before") ?? messages.total;
  return Response.json(messagePage(messages, Math.min(before, messages.total) - limit, before));
}

async function signatureAnswer(call: Call, record: ExchangeRecord): Promise<Response> {
  const asked = parseSignature(await readJSON(call.request));
  const { requestBody: body, requestFields: fields, arrivedOn } = record;
  return Response.json(checkSignature({
    fields,
    body: body?.bytes ?? new Uint8Array(0),
    isWhole: body === null ? record.sentOn >= 0 : body.isComplete && body.kept === body.size,
    arrived: arrivedOn / 1000,
  }, asked));
}

function allow({ method }: Call, ...methods: readonly string[]): void {
  if (methods.includes(method)) return;
  const message = `${method} is not possible here; ${methods.join(" and ")} is.`;
  throw new APIError("method_not_allowed", message, { allow: methods.join(", ") });
}

function notFound(path: string): APIError {
  return new APIError(
    "not_found",
    `There is nothing at ${path}; .github/INSPECTOR.md has all paths.`,
  );
}
