import { ErrorCode, SessionError } from "./errors.ts";
import { parseJSONObject } from "./json.ts";

/** How many visitors of a tunnel its server has refused for one reason. */
export interface RefusedVisitors {
  /** The status that they got. */
  readonly status: number;
  /** A word or two, as in `rate`. */
  readonly reason: string;
  readonly count: number;
}

/** The letters of a reason: terminals show it. */
const REASON = /^[a-z0-9-]{1,32}$/;

const encoder = new TextEncoder();

/** Encodes a Notice. */
export function encodeNotice(refused: readonly RefusedVisitors[]): Uint8Array {
  return encoder.encode(JSON.stringify({ refused }));
}

/** Decodes a Notice; members that a later version may add are dropped. @throws {SessionError} `Protocol` for anything else. */
export function decodeNotice(payload: Uint8Array): readonly RefusedVisitors[] {
  const refused = parseJSONObject(payload)?.refused;
  if (!Array.isArray(refused)) throw malformed();
  return refused.map(refusedVisitors);
}

function refusedVisitors(value: unknown): RefusedVisitors {
  if (typeof value !== "object" || value === null) throw malformed();
  const { status, reason, count }: Readonly<Record<string, unknown>> = { ...value };
  const isWhole = isWithin(status, 100, 599) && isWithin(count, 1, Number.MAX_SAFE_INTEGER);
  if (!isWhole || typeof reason !== "string" || !REASON.test(reason)) throw malformed();
  return { status, reason, count };
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
}

function malformed(): SessionError {
  return new SessionError(ErrorCode.Protocol, "a malformed Notice");
}
