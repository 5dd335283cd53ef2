import { ErrorCode, StreamError } from "./errors.ts";
import { readRequestHead, readResponseHead } from "./head_reader.ts";
import { writeRequestHead, writeResponseHead } from "./head_writer.ts";
import { type Field, isFieldValue, isToken } from "../http/fields.ts";
import { parseJSONObject } from "./json.ts";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";

export type { Field };

/** What opens an exchange: the start line of a request and its fields, in order. */
export interface RequestHead {
  /** A token, case-sensitive (RFC 9110 section 9.1). */
  readonly method: string;
  /** The request target in origin-form or asterisk-form, as the visitor sent it (RFC 9112 section 3.2). */
  readonly target: string;
  readonly fields: readonly Field[];
}

/** What answers it: the status and the fields, in order. */
export interface ResponseHead {
  /** 200 to 599, or 101 in a WSResponse that accepts. */
  readonly status: number;
  readonly fields: readonly Field[];
}

/** Fields in one head: `Deno.serve` takes 128, origins send fewer than that by far. */
export const MAX_FIELDS = 256;

/** Encodes a request head as the JSON of an HTTPRequest or WSRequest. */
export function encodeRequestHead(head: RequestHead): Uint8Array {
  const { method, target, fields } = head;
  return writeRequestHead(head) ?? encodeUtf8(JSON.stringify({ method, target, fields }));
}

/** Encodes a response head as the JSON of an HTTPResponse or WSResponse. */
export function encodeResponseHead(head: ResponseHead): Uint8Array {
  const { status, fields } = head;
  return writeResponseHead(head) ?? encodeUtf8(JSON.stringify({ status, fields }));
}

/**
 * Decodes the head of a request; what it returns is safe to be written to an origin.
 *
 * @throws {StreamError} `Protocol` for anything that RFC 9110 and RFC 9112 do not allow in a request.
 */
export function decodeRequestHead(payload: Uint8Array): RequestHead {
  const read = readRequestHead(payload, decodeUtf8(payload));
  const { method, target, fields } = read ?? parseObject(payload);
  if (typeof method !== "string" || !isToken(method)) throw malformed("method", method);
  if (typeof target !== "string" || !isTarget(target)) throw malformed("target", target);
  return {
    method,
    target,
    fields: checkedList(read?.fields ?? checkedFields(fields), ONCE_IN_REQUEST),
  };
}

/**
 * Decodes the head of a response; what it returns is safe to be sent to a visitor.
 *
 * @throws {StreamError} `Protocol` for a status that is no final one and for malformed fields.
 */
export function decodeResponseHead(payload: Uint8Array): ResponseHead {
  const read = readResponseHead(payload, decodeUtf8(payload));
  const { status, fields } = read ?? parseObject(payload);
  const final = typeof status === "number" && Number.isInteger(status) && status <= 599 &&
    (status >= 200 || status === 101);
  if (!final) throw malformed("status", status);
  return { status, fields: checkedList(read?.fields ?? checkedFields(fields), ONCE_IN_RESPONSE) };
}

/** Whether a text can stand as a request target: a path, or `*`, without blanks and control characters. */
function isTarget(text: string): boolean {
  if (text === "*") return true;
  if (!text.startsWith("/")) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code === 0x7f) return false;
  }
  return true;
}

/** Fields of which two recipients could see two different ones: where a message ends, and whom it is for (RFC 9112 sections 3.2 and 6.3). */
const ONCE_IN_REQUEST: readonly string[] = ["content-length", "host"];
const ONCE_IN_RESPONSE: readonly string[] = ["content-length"];

/** Checks what the fields are together. */
function checkedList(fields: readonly Field[], once: readonly string[]): readonly Field[] {
  if (fields.length > MAX_FIELDS) throw malformed("number of fields", fields.length);
  for (const name of once) checkOnce(fields, name);
  return fields;
}

/** Checks what each of them is. */
function checkedFields(fields: unknown): Field[] {
  if (!Array.isArray(fields)) throw malformed("fields", fields);
  if (fields.length > MAX_FIELDS) throw malformed("number of fields", fields.length);
  const list: readonly unknown[] = fields;
  return list.map(checkedField);
}

function checkOnce(fields: readonly Field[], name: string): void {
  let isFound = false;
  for (const field of fields) {
    if (field[0] !== name) continue;
    if (isFound) throw malformed(`a second ${name}`, field[1]);
    if (name === "content-length" && !isLength(field[1])) throw malformed(name, field[1]);
    isFound = true;
  }
}

/** Whether a text is a number of bytes that can be counted to (RFC 9110 section 8.6). */
function isLength(text: string): boolean {
  return /^[0-9]{1,16}$/.test(text) && Number.isSafeInteger(Number(text));
}

function checkedField(field: unknown): Field {
  if (!Array.isArray(field) || field.length !== 2) throw malformed("field", field);
  const pair: readonly unknown[] = field;
  // Destructuring would go through an iterator, and this runs for each field of each exchange.
  const name = pair[0];
  const value = pair[1];
  if (typeof name !== "string" || !isLowerCaseToken(name)) throw malformed("field name", name);
  if (typeof value !== "string" || !isFieldValue(value)) throw malformed(`value of ${name}`, value);
  return [name, value];
}

function isLowerCaseToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= UPPER_A && code <= UPPER_Z) return false;
  }
  return isToken(text);
}

const UPPER_A = 0x41;
const UPPER_Z = 0x5a;

function parseObject(payload: Uint8Array): Readonly<Record<string, unknown>> {
  const object = parseJSONObject(payload);
  if (object === undefined) {
    throw new StreamError(ErrorCode.Protocol, "malformed head: not a JSON object in UTF-8");
  }
  return object;
}

function malformed(what: string, value: unknown): StreamError {
  const seen = JSON.stringify(value)?.slice(0, 80) ?? "nothing";
  return new StreamError(ErrorCode.Protocol, `malformed head: ${what} is ${seen}`);
}
