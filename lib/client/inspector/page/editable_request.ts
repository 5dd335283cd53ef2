import type { Field } from "../../../http/fields.ts";
import type { Exchange, ReplayRequest } from "../exchange.ts";
import { fieldText, fieldValueOf } from "./octet_text.ts";

/** A request as a person edits it. */
export interface EditableRequest {
  readonly method: string;
  readonly target: string;
  /** One field a line, as `name: value`. */
  readonly fields: string;
  /** Null while the body stays as it was, byte for byte. */
  readonly body: string | null;
  readonly times: number;
}

/** Fields that follow from what is sent. */
const MADE_ANEW: ReadonlySet<string> = new Set(["content-length"]);

export function editableOf({ method, target, request }: Exchange): EditableRequest {
  const lines = request.fields.filter(([name]) => !MADE_ANEW.has(name)).map(lineOf);
  return { method, target, fields: lines.join("\n"), body: null, times: 1 };
}

/**
 * Returns what of it has been changed, as the call for a replay wants it.
 *
 * @throws {RangeError} when a line is not a field; the message names it.
 */
export function replayRequestOf(exchange: Exchange, edited: EditableRequest): ReplayRequest {
  const before = editableOf(exchange);
  const { method, target, fields, body, times } = edited;
  const isBodyNew = body !== null;
  const isChanged = fields !== before.fields || isBodyNew;
  return {
    ...(method === before.method ? {} : { method }),
    ...(target === before.target ? {} : { target }),
    ...(isChanged ? { fields: fieldsOf(exchange, fields, isBodyNew) } : {}),
    ...(isBodyNew ? { body: body === "" ? null : { text: body } } : {}),
    ...(times === 1 ? {} : { times }),
  };
}

/** Reads the lines back; one that is as it was keeps its octets, whatever they are. */
function fieldsOf({ request }: Exchange, text: string, isBodyNew: boolean): readonly Field[] {
  const known = new Map(request.fields.map((field) => [lineOf(field), field]));
  const fields = text.split("\n").filter((line) => line.trim() !== "").map((line) =>
    known.get(line) ?? fieldOf(line)
  );
  // A new body is sent as it is typed, and without a coding its length is known.
  if (isBodyNew) return fields.filter(([name]) => !CODINGS.has(name));
  return [...fields, ...request.fields.filter(([name]) => MADE_ANEW.has(name))];
}

const CODINGS: ReadonlySet<string> = new Set(["content-encoding", "transfer-encoding"]);

function lineOf([name, value]: Field): string {
  return `${name}: ${fieldText(value)}`;
}

function fieldOf(line: string): Field {
  const [, name, value = ""] = /^([^\s:]+):(.*)$/.exec(line) ?? [];
  if (name === undefined) {
    throw new RangeError(`The line ${JSON.stringify(line)} is not a field: write name: value.`);
  }
  return [name.toLowerCase(), fieldValueOf(value.trim())];
}
