import { type Field, isHopByHop } from "../../../http/fields.ts";
import type { RequestHead } from "../../../http/head.ts";
import { isToken } from "../../../http/octets.ts";
import { VisitTemplate } from "../visit_template.ts";

/** A field that is set, in the place of those of its name that are there. */
export interface FieldSetting {
  /** In lower case. */
  readonly name: string;
  readonly value: VisitTemplate;
}

/** Fields that an owner changes in the heads of one direction. */
export interface FieldRules {
  readonly set: readonly FieldSetting[];
  /** Names in lower case. */
  readonly remove: readonly string[];
}

/** Reads `X-Env: dev`. @throws {RangeError} "must …" for what no rule can set. */
export function parseFieldSetting(text: string): FieldSetting {
  const colon = text.indexOf(":");
  if (colon === -1) throw new RangeError("must be a name, a colon and a value: X-Env: dev");
  const name = parseFieldName(text.slice(0, colon));
  const value = text.slice(colon + 1).trim();
  if (!VALUE.test(value)) throw new RangeError("must have a value of printable ASCII");
  return { name, value: new VisitTemplate(value) };
}

/** Reads the name of a field that a rule may change, in lower case. @throws {RangeError} "must …" for another one. */
export function parseFieldName(text: string): string {
  const name = text.toLowerCase();
  if (!isToken(name)) throw new RangeError("must have the name of a field before any colon");
  const reason = FRAMING.get(name);
  if (reason !== undefined) throw new RangeError(`must not change ${text}: ${reason}`);
  if (isHopByHop(name)) throw new RangeError(`must not change ${text}: it ends at each hop`);
  if (name.startsWith("sec-websocket-")) {
    throw new RangeError(`must not change ${text}: the two ends of a WebSocket agree by it`);
  }
  return name;
}

/** Returns fields as the rules change them; templates are filled with what a visitor asked. */
export function changedFields(
  fields: readonly Field[],
  { set, remove }: FieldRules,
  visit: RequestHead,
): Field[] {
  const kept = untouchedFields(fields, { set, remove });
  for (const { name, value } of set) kept.push([name, value.fill(visit)]);
  return kept;
}

/** Returns the fields that no rule is for. */
export function untouchedFields(fields: readonly Field[], { set, remove }: FieldRules): Field[] {
  const isGone = (name: string): boolean =>
    remove.includes(name) || set.some((setting) => setting.name === name);
  return fields.filter(([name]) => !isGone(name));
}

const VALUE = /^[\x20-\x7e]*$/;

/** Fields that delimit or route a message (RFC 9112 sections 3.2 and 6), with what speaks against a rule for them. */
const FRAMING: ReadonlyMap<string, string> = new Map([
  ["content-length", "it says where the message ends"],
  ["host", "the host header has an option of its own"],
  ["expect", "it asks the next server for an answer of its own"],
]);
