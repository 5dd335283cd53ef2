import { encodeBase64 } from "@std/encoding/base64";
import { STATUS_TEXT } from "@std/http/status";
import { type Field, fieldValue } from "../../http/fields.ts";
import { queryOf } from "../../http/target.ts";
import { CodingError, undoCodings } from "./content_coding.ts";
import type { ExchangeRecord } from "./exchange_record.ts";
import { exchangeOf, messagePage } from "./exchange_view.ts";

// HTTP Archive 1.2: http://www.softwareishard.com/blog/har-12-spec/. Members that begin with an underscore are of one's
// own (section "Custom fields"); those of WebSocket messages are Chromium's.

/** Writes exchanges as a HAR, one at a time: all of them at once would hold up the tunnel, and take their memory again. */
export async function* harOf(
  records: readonly ExchangeRecord[],
  version: string,
): AsyncGenerator<string> {
  const creator = JSON.stringify({ name: "tunnel", version });
  yield `{"log":{"version":"1.2","creator":${creator},"entries":[`;
  let separator = "";
  for (const record of records) {
    // It may have been forgotten while those before it were written.
    if (!record.isKept) continue;
    yield separator + JSON.stringify(await entryOf(record));
    separator = ",";
  }
  yield "]}}\n";
}

async function entryOf(record: ExchangeRecord): Promise<Record<string, unknown>> {
  const { scheme, host, target, method, request, response, times, ...exchange } = exchangeOf(
    record,
    [],
  );
  const duration = exchange.duration ?? record.now() / 1000;
  const sentOn = times.sentOn ?? 0;
  const firstByte = Math.max(sentOn, times.firstByte ?? duration);
  const url = `${scheme}://${host ?? "localhost"}${uriOf(target)}`;
  return {
    startedDateTime: exchange.arrived,
    time: Math.max(duration, firstByte),
    request: {
      method,
      url,
      httpVersion: "HTTP/1.1",
      cookies: cookiesOf(request.fields),
      headers: pairs(request.fields),
      queryString: parametersOf(target),
      headersSize: -1,
      bodySize: request.body.size,
      ...postData(record, request.body.type),
    },
    response: {
      // Zero is what browsers write for an answer that did not come.
      status: response?.status ?? 0,
      statusText: response?.reasonPhrase ?? STATUS_TEXT[response?.status ?? 0] ?? "",
      httpVersion: "HTTP/1.1",
      cookies: setCookiesOf(response?.fields ?? []),
      headers: pairs(response?.fields ?? []),
      content: await contentOf(record),
      redirectURL: fieldValue(response?.fields ?? [], "location") ?? "",
      headersSize: -1,
      bodySize: response?.body.size ?? 0,
    },
    cache: {},
    timings: {
      send: sentOn,
      wait: firstByte - sentOn,
      receive: Math.max(0, duration - firstByte),
    },
    ...comment(exchange.state, exchange.reason),
    _id: exchange.id,
    ...(exchange.visitor === null ? {} : { _visitor: exchange.visitor }),
    ...(exchange.replayOf === null ? {} : { _replayOf: exchange.replayOf }),
    ...(exchange.kind === "http" ? {} : messagesOf(record)),
  };
}

function pairs(fields: readonly Field[]): { name: string; value: string }[] {
  return fields.map(([name, value]) => ({ name, value }));
}

function comment(state: string, reason: string | null): { comment?: string } {
  return state === "complete" ? {} : { comment: `${state}${reason === null ? "" : `: ${reason}`}` };
}

/** Writes the body of a request; HAR has no coding for it, so bytes that are no text are said to be base64. */
function postData(record: ExchangeRecord, type: string | null): Record<string, unknown> {
  const body = record.requestBody;
  if (body === null || body.size === 0 || record.kind === "websocket") return {};
  const { bytes } = body;
  const text = textOf(bytes);
  return {
    postData: {
      mimeType: type ?? "application/octet-stream",
      params: [],
      text: text ?? encodeBase64(bytes),
      ...(text === null ? { _encoding: "base64" } : {}),
      ...cutComment(body.kept, body.size),
    },
  };
}

async function contentOf(record: ExchangeRecord): Promise<Record<string, unknown>> {
  const fields = record.responseFields ?? [];
  const mimeType = fieldValue(fields, "content-type") ?? "x-unknown";
  const body = record.responseBody;
  if (body === null || body.kept === 0) return { size: body?.size ?? 0, mimeType };
  const cut = cutComment(body.kept, body.size);
  const { bytes, isDecoded } = await decoded(record, fieldValue(fields, "content-encoding") ?? "");
  const text = textOf(bytes);
  return {
    size: "comment" in cut || !isDecoded ? body.size : bytes.length,
    mimeType,
    ...(text === null ? { text: encodeBase64(bytes), encoding: "base64" } : { text }),
    ...cut,
  };
}

async function decoded(
  record: ExchangeRecord,
  encoding: string,
): Promise<{ readonly bytes: Uint8Array; readonly isDecoded: boolean }> {
  const bytes = record.responseBody?.bytes ?? new Uint8Array(0);
  try {
    const body = await undoCodings({ bytes, isWhole: false }, encoding);
    return { bytes: body.bytes, isDecoded: true };
  } catch (error) {
    if (!(error instanceof CodingError)) throw error;
    return { bytes, isDecoded: false };
  }
}

function cutComment(kept: number, size: number): { comment?: string } {
  return kept === size ? {} : { comment: `the first ${kept} of ${size} bytes were kept` };
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Returns bytes as text; null when they are not UTF-8. */
function textOf(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

function parametersOf(target: string): { name: string; value: string }[] {
  return [...new URLSearchParams(queryOf(target))].map(([name, value]) => ({ name, value }));
}

function cookiesOf(fields: readonly Field[]): { name: string; value: string }[] {
  return fields.filter(([name]) => name === "cookie")
    .flatMap(([, value]) => value.split(";").map(cookieOf));
}

function setCookiesOf(fields: readonly Field[]): { name: string; value: string }[] {
  return fields.filter(([name]) => name === "set-cookie")
    .map(([, value]) => cookieOf(value.split(";", 1)[0] ?? ""));
}

function cookieOf(text: string): { name: string; value: string } {
  const at = text.indexOf("=");
  if (at === -1) return { name: text.trim(), value: "" };
  return { name: text.slice(0, at).trim(), value: text.slice(at + 1).trim() };
}

/** Writes what no URI has (RFC 3986) as its octets; a lone percent sign too. */
function uriOf(target: string): string {
  return target.replace(
    /[^\x21-\x7e]|["<>\\^`{|}#]|%(?![0-9a-f]{2})/gi,
    (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

function messagesOf(record: ExchangeRecord): Record<string, unknown> {
  const { messages } = record;
  if (messages === null) return {};
  const { messages: list } = messagePage(messages, 0, messages.total);
  return {
    _resourceType: record.kind === "websocket" ? "websocket" : "eventsource",
    _webSocketMessages: list.map((message) => ({
      type: message.from === "visitor" ? "send" : "receive",
      time: (record.arrivedOn + message.at) / 1000,
      opcode: OPCODES[message.kind],
      data: message.kind === "binary" ? message.base64 : message.text,
    })),
  };
}

/** Opcodes of WebSocket frames (RFC 6455 section 5.2); an event is text. */
const OPCODES = { text: 1, event: 1, binary: 2, close: 8 } as const;
