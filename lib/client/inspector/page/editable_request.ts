import type { Field } from "../../../http/fields.ts";
import type { Exchange, ReplayRequest } from "../exchange.ts";
import { fieldText, fieldValueOf } from "./octet_text.ts";
import { coveredText, DOTS, fieldParts, targetParts } from "./secrets.ts";

/** A request as a person edits it; dots stand for secrets that were not asked for, and stay what they are. */
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

/** Returns a request as it was, with its secrets covered. */
export function editableOf(exchange: Exchange): EditableRequest {
  const fields = linesOf(exchange).map(({ covered }) => covered).join("\n");
  const target = coveredText(targetParts(exchange.target));
  return { method: exchange.method, target, fields, body: null, times: 1 };
}

/** Shows what is covered in target and fields; what was typed stays. */
export function uncovered(exchange: Exchange, edited: EditableRequest): EditableRequest {
  const isTargetCovered = edited.target === editableOf(exchange).target;
  return {
    ...edited,
    target: isTargetCovered ? exchange.target : edited.target,
    fields: exchanged(exchange, edited.fields, "covered", "whole"),
  };
}

/** Covers what is as it was in target and fields; what was typed stays. */
export function covered(exchange: Exchange, edited: EditableRequest): EditableRequest {
  const isTargetWhole = edited.target === exchange.target;
  return {
    ...edited,
    target: isTargetWhole ? editableOf(exchange).target : edited.target,
    fields: exchanged(exchange, edited.fields, "whole", "covered"),
  };
}

/**
 * Returns what of it has been changed, as the call for a replay wants it.
 *
 * @throws {RangeError} when a line is not a field, or something was changed that is covered; the message names it.
 */
export function replayRequestOf(exchange: Exchange, edited: EditableRequest): ReplayRequest {
  const { method, target, fields, body, times } = uncovered(exchange, edited);
  const isBodyNew = body !== null;
  const areFieldsNew = fields !== uncovered(exchange, editableOf(exchange)).fields;
  if (target !== exchange.target) refuseCovered("The target", target);
  return {
    ...(method === exchange.method ? {} : { method }),
    ...(target === exchange.target ? {} : { target }),
    ...(areFieldsNew || isBodyNew ? { fields: fieldsOf(exchange, fields, isBodyNew) } : {}),
    ...(isBodyNew ? { body: body === "" ? null : { text: body } } : {}),
    ...(times === 1 ? {} : { times }),
  };
}

/** A field as a line of the editor. */
interface Line {
  readonly field: Field;
  readonly whole: string;
  readonly covered: string;
}

function linesOf({ request }: Exchange): readonly Line[] {
  return request.fields.filter(([name]) => !MADE_ANEW.has(name)).map((field) => {
    const [name, value] = field;
    const text = fieldText(value);
    const whole = `${name}: ${text}`;
    return { field, whole, covered: `${name}: ${coveredText(fieldParts(name, text))}` };
  });
}

/** Writes lines that stand in one form in the other one; of those that look alike, each is taken once. */
function exchanged(
  exchange: Exchange,
  text: string,
  from: "whole" | "covered",
  to: "whole" | "covered",
): string {
  const known = Map.groupBy(linesOf(exchange), (line) => line[from]);
  return text.split("\n").map((line) => known.get(line)?.shift()?.[to] ?? line).join("\n");
}

/** Reads the lines back; one that is as it was keeps its octets, whatever they are. */
function fieldsOf(exchange: Exchange, text: string, isBodyNew: boolean): readonly Field[] {
  const known = new Map(linesOf(exchange).map(({ whole, field }) => [whole, field]));
  const fields = text.split("\n").filter((line) => line.trim() !== "").map((line) =>
    known.get(line) ?? fieldOf(line)
  );
  // A new body is sent as it is typed, and without a coding its length is known.
  if (isBodyNew) return fields.filter(([name]) => !CODINGS.has(name));
  return [...fields, ...exchange.request.fields.filter(([name]) => MADE_ANEW.has(name))];
}

const CODINGS: ReadonlySet<string> = new Set(["content-encoding", "transfer-encoding"]);

function fieldOf(line: string): Field {
  const [, name, value = ""] = /^([^\s:]+):(.*)$/.exec(line) ?? [];
  if (name === undefined) {
    throw new RangeError(`The line ${JSON.stringify(line)} is not a field: write name: value.`);
  }
  refuseCovered(`The field ${name}`, value);
  return [name.toLowerCase(), fieldValueOf(value.trim())];
}

/** Refuses dots that do not stand for something any more. */
function refuseCovered(what: string, text: string): void {
  if (!text.includes(DOTS)) return;
  throw new RangeError(`${what} has a value that is covered: show it, or type all of a new one.`);
}
