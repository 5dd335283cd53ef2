import { ErrorCode, SessionError } from "./errors.ts";
import { parseJSONObject } from "./json.ts";

/** How many visitors of a tunnel its server has refused for one reason. */
export interface RefusedVisitors {
  /** The status that they got. */
  readonly status: number;
  /** A word or two, as in `rate`. */
  readonly reason: string;
  /** How many were refused since the last notice. */
  readonly count: number;
}

/** The clients that serve a tunnel. */
export interface ServingClients {
  /** How many there are, with the one that is told. */
  readonly count: number;
  /** How many of them serve something else than the one that is told. */
  readonly different: number;
}

/** What a server tells the owner of a tunnel. */
export interface Notice {
  readonly refused: readonly RefusedVisitors[];
  /** null where nothing is told of them. */
  readonly clients: ServingClients | null;
}

/** What a node tells the one that has a tunnel of the tunnel's visitors that it refused itself. */
export interface NodeNotice {
  readonly hostname: string;
  readonly refused: readonly RefusedVisitors[];
}

/** The letters of a reason: terminals show it. */
const REASON = /^[a-z0-9-]{1,32}$/;

const encoder = new TextEncoder();

/** Encodes a Notice. */
export function encodeNotice({ refused, clients }: Notice): Uint8Array {
  return encoder.encode(JSON.stringify({ refused, ...(clients === null ? {} : { clients }) }));
}

/** Decodes a Notice; members that a later version may add are dropped. @throws {SessionError} `Protocol` for anything else. */
export function decodeNotice(payload: Uint8Array): Notice {
  const { refused, clients } = parseJSONObject(payload) ?? {};
  if (!Array.isArray(refused)) throw malformed();
  return {
    refused: refused.map(refusedVisitors),
    clients: clients === undefined ? null : servingClients(clients),
  };
}

/** Encodes a Notice from one node to another. */
export function encodeNodeNotice({ hostname, refused }: NodeNotice): Uint8Array {
  return encoder.encode(JSON.stringify({ hostname, refused }));
}

/** Decodes a Notice from another node likewise. */
export function decodeNodeNotice(payload: Uint8Array): NodeNotice {
  const { hostname, refused } = parseJSONObject(payload) ?? {};
  if (typeof hostname !== "string" || !Array.isArray(refused)) throw malformed();
  return { hostname, refused: refused.map(refusedVisitors) };
}

function servingClients(value: unknown): ServingClients {
  if (typeof value !== "object" || value === null) throw malformed();
  const { count, different }: Readonly<Record<string, unknown>> = { ...value };
  if (!isWithin(count, 1, Number.MAX_SAFE_INTEGER) || !isWithin(different, 0, count - 1)) {
    throw malformed();
  }
  return { count, different };
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
