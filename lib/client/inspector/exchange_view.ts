import { encodeBase64 } from "@std/encoding/base64";
import { type Field, fieldValue, listMembers } from "../../http/fields.ts";
import { writeLatin1 } from "../../http/octets.ts";
import type {
  BodyInfo,
  Exchange,
  ExchangeMessage,
  ExchangeSummary,
  MessagePage,
} from "./exchange.ts";
import type { ExchangeRecord } from "./exchange_record.ts";
import type { KeptBody } from "./kept_body.ts";
import type { KeptMessage, MessageLog } from "./message_log.ts";
import { detectScheme } from "./signature_claim.ts";

/** Characters of each text in a list, which visitors choose: what a person reads there is shorter. */
const MAX_TEXT = 2048;

/** Makes what a list says of an exchange. */
export function summaryOf(record: ExchangeRecord): ExchangeSummary {
  const { id, kind, state, reason, replayOf, tunnel, method, target, status, messages } = record;
  const { host, visitor } = senderOf(record);
  return {
    id,
    kind,
    state,
    reason,
    replayOf,
    tunnel,
    method: method.slice(0, MAX_TEXT),
    target: target.slice(0, MAX_TEXT),
    host: host?.slice(0, MAX_TEXT) ?? null,
    visitor: visitor?.slice(0, MAX_TEXT) ?? null,
    status,
    arrived: new Date(record.arrivedOn).toISOString(),
    duration: time(record.end),
    requestSize: record.requestBody?.size ?? 0,
    responseSize: record.responseBody?.size ?? 0,
    responseType: mediaTypeOf(record.responseFields ?? [])?.slice(0, MAX_TEXT) ?? null,
    messages: messages === null
      ? null
      : { fromVisitor: messages.fromVisitor, fromService: messages.fromService },
  };
}

/** Makes all that is told of an exchange; `replays` are the ids of those that sent it again. */
export function exchangeOf(record: ExchangeRecord, replays: readonly number[]): Exchange {
  const { method, target, requestFields, responseFields, status } = record;
  const { sentOn, firstByte, end, reasonPhrase, asides } = record;
  const isHTTPS = fieldValue(requestFields, "x-forwarded-proto") === "https";
  return {
    ...summaryOf(record),
    method,
    target,
    scheme: isHTTPS ? "https" : "http",
    times: { sentOn: time(sentOn), firstByte: time(firstByte), end: time(end) },
    request: {
      fields: requestFields,
      body: bodyInfo(record, "request", requestFields),
      ...trailersOf(asides?.requestTrailers),
    },
    ...(asides === null || asides.interim.length === 0 ? {} : { interim: asides.interim }),
    response: responseFields === null || status === null ? null : {
      status,
      ...(reasonPhrase === null ? {} : { reasonPhrase }),
      fields: responseFields,
      body: bodyInfo(record, "response", responseFields),
      ...trailersOf(asides?.responseTrailers),
    },
    webhook: detectScheme(requestFields),
    replays,
  };
}

function trailersOf(
  trailers: readonly Field[] | null | undefined,
): { readonly trailers?: readonly Field[] } {
  return trailers === null || trailers === undefined ? {} : { trailers };
}

/** Makes a page of messages, of indexes from `from` up to `to`. */
export function messagePage(log: MessageLog, from: number, to: number): MessagePage {
  const messages: ExchangeMessage[] = [];
  for (let index = Math.max(from, log.first); index < Math.min(to, log.total); index++) {
    const message = log.at(index);
    if (message !== undefined) messages.push(messageView(index, message));
  }
  return { messages, first: log.first, total: log.total };
}

/** Returns the media type that a Content-Type names, in lower case and without its parameters. */
export function mediaTypeOf(fields: readonly Field[]): string | null {
  const [type = ""] = fieldValue(fields, "content-type")?.split(";", 1) ?? [];
  return type.trim().toLowerCase() || null;
}

/** Returns the octets that the characters of a text are. */
export function octetsOf(text: string): Uint8Array<ArrayBuffer> {
  const octets = new Uint8Array(text.length);
  writeLatin1(text, octets, 0);
  return octets;
}

/** Returns Host and visitor of a request; the visitor's address is what the server saw, or a proxy that it trusts. */
export function senderOf(record: ExchangeRecord): NonNullable<ExchangeRecord["sender"]> {
  if (record.sender !== null) return record.sender;
  const { requestFields } = record;
  const [visitor] = listMembers(fieldValue(requestFields, "x-forwarded-for") ?? "");
  record.sender = { host: fieldValue(requestFields, "host") ?? null, visitor: visitor || null };
  return record.sender;
}

function bodyInfo(
  record: ExchangeRecord,
  side: "request" | "response",
  fields: readonly Field[],
): BodyInfo {
  const body: KeptBody | null = side === "request" ? record.requestBody : record.responseBody;
  const isWebSocket = record.kind === "websocket" && record.status === 101;
  return {
    size: body?.size ?? 0,
    kept: body?.kept ?? 0,
    isComplete: body?.isComplete ?? (side === "request" ? record.sentOn >= 0 : !record.isOpen),
    type: fieldValue(fields, "content-type") ?? null,
    encoding: fieldValue(fields, "content-encoding") ?? null,
    href: isWebSocket ? null : `/api/exchanges/${record.id}/${side}/body`,
  };
}

function messageView(index: number, message: KeptMessage): ExchangeMessage {
  const { at, from, kind, size, isWhole, octets, code, event, eventId } = message;
  const base = { index, at, from, size, isWhole };
  switch (kind) {
    case "binary":
      return { ...base, kind, base64: encodeBase64(octetsOf(octets)) };
    case "close":
      return { ...base, kind, code, text: textOf(octets) };
    case "event":
      return {
        ...base,
        kind,
        event: textOf(event),
        eventId: textOf(eventId),
        text: textOf(octets),
      };
    case "text":
      return { ...base, kind, text: textOf(octets) };
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function textOf(octets: string): string {
  return decoder.decode(octetsOf(octets));
}

/** Returns microseconds as milliseconds. */
function time(microseconds: number): number | null {
  return microseconds < 0 ? null : microseconds / 1000;
}
