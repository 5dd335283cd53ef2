import { decodeBase64 } from "@std/encoding/base64";
import type { Field } from "../../http/fields.ts";
import { fieldValue } from "../../http/fields.ts";
import type { RequestHead } from "../../http/head.ts";
import { decodeRequestHead, headLength, writeHead, writtenRequest } from "../../wire/head.ts";
import { StreamError } from "../../wire/errors.ts";
import { waitAtMost } from "../../net/with_timeout.ts";
import { APIError } from "./api_error.ts";
import type { ReplayRequest } from "./exchange.ts";
import type { ExchangeRecord } from "./exchange_record.ts";
import type { ExchangeStore } from "./exchange_store.ts";
import type { RecordingService } from "./recording_service.ts";
import { ReplayedIncoming } from "./replayed_incoming.ts";
import { ReplayedWebSocket } from "./replayed_websocket.ts";
import { scriptOf } from "./websocket_script.ts";

/** Calls for replays that are under way at once: a person starts one after the other. */
const MAX_CALLS = 16;

/** Milliseconds after which a replay is given up: no visitor leaves an answer that has no end. */
const MAX_REPLAY = 600_000;

/** Milliseconds that a caller may wait for the end of replays. */
const MAX_WAIT = 30_000;

/** A request to send again. */
interface Again {
  readonly head: RequestHead;
  /** Makes who sends it, for one time. */
  readonly visitor: () => ReplayedIncoming;
}

/** Sends recorded requests, and what the visitors of WebSockets sent, to their service once more. */
export class Replays {
  readonly #store: ExchangeStore;
  readonly #running = new Set<ReplayedIncoming>();
  #calls = 0;
  #isClosed = false;

  constructor(store: ExchangeStore) {
    this.#store = store;
  }

  /**
   * Starts replays, one after the other, and returns their ids.
   *
   * @throws {APIError} when the request cannot be sent again, or not as it is wanted.
   */
  async start(
    service: RecordingService,
    record: ExchangeRecord,
    request: ReplayRequest,
  ): Promise<readonly number[]> {
    const again = requestAgain(record, request);
    if (this.#calls >= MAX_CALLS) {
      throw new APIError("busy", `${MAX_CALLS} calls for replays are under way; try again later`);
    }
    const ids = Array.from({ length: request.times ?? 1 }, () => this.#store.takeId());
    const done = this.#run(service, again, ids, record.id);
    if (request.wait) await waitAtMost(MAX_WAIT, done);
    return ids;
  }

  /** Gives up those under way. */
  close(): void {
    this.#isClosed = true;
    for (const incoming of this.#running) incoming.abort("the client stops");
  }

  async #run(
    service: RecordingService,
    { head, visitor }: Again,
    ids: readonly number[],
    replayOf: number,
  ): Promise<void> {
    this.#calls++;
    for (const id of ids) {
      if (this.#isClosed) break;
      const incoming = visitor();
      this.#running.add(incoming);
      const limit = `the replay was given up after ${MAX_REPLAY / 1000} s`;
      const timer = setTimeout(() => incoming.abort(limit), MAX_REPLAY);
      await service.replay(incoming, head, { id, replayOf });
      clearTimeout(timer);
      this.#running.delete(incoming);
    }
    this.#calls--;
  }
}

function requestAgain(record: ExchangeRecord, request: ReplayRequest): Again {
  const fields = (request.fields ?? record.requestFields).map(([name, value]): Field => [
    name.toLowerCase(),
    value.trim(),
  ]);
  const { method = record.method, target = record.target } = request;
  if (record.kind === "websocket") {
    refuseForWebSocket(request);
    const steps = scriptOf(record);
    const head = headAgain({ method, target, fields });
    return { head, visitor: () => new ReplayedWebSocket(steps) };
  }
  const body = bodyAgain(record, request);
  const isChanged = request.body !== undefined;
  const head = headAgain({ method, target, fields: withLength(fields, body, isChanged) });
  return { head, visitor: () => new ReplayedIncoming(body) };
}

/** A handshake is a GET without a body (RFC 6455 section 4.1). */
function refuseForWebSocket({ method, body }: ReplayRequest): void {
  const member = method !== undefined ? "method" : body !== undefined ? "body" : null;
  if (member === null) return;
  throw new APIError(
    "bad_request",
    `A WebSocket has no ${member}: target, fields and times can be given.`,
  );
}

function bodyAgain(
  record: ExchangeRecord,
  request: ReplayRequest,
): Uint8Array<ArrayBuffer> | null {
  if (request.body === null) return null;
  if (request.body !== undefined) return bytesOf(request.body);
  const kept = record.requestBody;
  if (kept === null) {
    if (record.sentOn >= 0) return null;
    throw new APIError("conflict", "The service did not read the request's body: give one.");
  }
  if (kept.isComplete && kept.kept === kept.size) return kept.bytes;
  const why = kept.isComplete ? "was kept" : "came before the request broke off, or so far";
  throw new APIError(
    "conflict",
    `Of the request's body ${kept.kept} bytes ${why}, not all of it: give a body to send.`,
  );
}

function bytesOf(
  body: { readonly text: string } | { readonly base64: string },
): Uint8Array<ArrayBuffer> {
  if ("text" in body) return new TextEncoder().encode(body.text);
  try {
    return decodeBase64(body.base64);
  } catch {
    throw new APIError("bad_request", "body.base64 must be base64");
  }
}

/** Makes the length fit the body; a body that came in chunks goes on in chunks. */
function withLength(
  fields: readonly Field[],
  body: Uint8Array | null,
  isChanged: boolean,
): readonly Field[] {
  const hasLength = fieldValue(fields, "content-length") !== undefined;
  if (!hasLength && (!isChanged || body === null)) return fields;
  const others = fields.filter(([name]) => name !== "content-length");
  if (body === null && isChanged) return others;
  return [...others, ["content-length", String(body?.length ?? 0)]];
}

/** Makes a head as one comes from the tunnel, with the same checks. */
function headAgain(head: RequestHead): RequestHead {
  try {
    const written = writtenRequest(head);
    const octets = new Uint8Array(headLength(written));
    writeHead(written, octets, 0);
    return decodeRequestHead(octets);
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
    throw new APIError("bad_request", `The request cannot be sent: ${error.message}.`);
  }
}
