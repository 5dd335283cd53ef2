import { RegistrationError } from "../wire/registration_error.ts";
import type { SigningKey } from "./key.ts";
import {
  decodePasswordHash,
  hashPassword,
  type Login,
  type PasswordHash,
} from "./password_hash.ts";

/** What the owner of a tunnel asks the server to check of its visitors. */
export interface VisitorPolicy {
  /** Those who are let in; none lets everybody in. */
  readonly basicAuth: readonly PasswordHash[];
  /** Whether a browser may log in on a page, and is known by a cookie then. */
  readonly login: boolean;
  /** Addresses and networks of the visitors that are let in; none lets everybody in. */
  readonly allowIp: readonly string[];
  /** What visitors may have where the server would give them more. */
  readonly limits: VisitorLimits;
}

/** Limits of one tunnel; null for what the server says. */
export interface VisitorLimits {
  /** Requests in so many milliseconds. */
  readonly rate: { readonly count: number; readonly period: number } | null;
  /** Requests and WebSockets at once. */
  readonly streams: number | null;
  /** Bytes of a request's body. */
  readonly body: number | null;
  /** Milliseconds to wait for the beginning of an answer. */
  readonly timeout: number | null;
}

/** What an owner says of visitors: the policy before passwords are hashed. */
export type VisitorRules =
  & Omit<VisitorPolicy, "basicAuth">
  & { readonly basicAuth: readonly Login[] };

/** No limits but the server's. */
export const NO_LIMITS: VisitorLimits = { rate: null, streams: null, body: null, timeout: null };

/** The policy of a tunnel that has none. */
export const OPEN_POLICY: VisitorPolicy & VisitorRules = {
  basicAuth: [],
  login: false,
  allowIp: [],
  limits: NO_LIMITS,
};

/** Users in one list: as many as a family or a team has. */
export const MAX_USERS = 16;

/** Addresses and networks in one list. */
export const MAX_ALLOWED = 64;

/** Bytes of users and addresses in JSON: with all else that a claim may hold, a registration still fits its frame. */
const MAX_POLICY_LENGTH = 4_800;

/** What a hashed password takes of them, with its salt and the names of members. */
const HASH_COST = 140;

/** The most that a limit may be: more than any server allows, and exact as a number. */
export const MAX_LIMIT = 1_000_000_000_000;

/** Characters that an address or network is made of; 45 and three digits of prefix are the most. Whether it is one, the server finds out. */
const NETWORK = /^[0-9a-fA-F.:]{2,45}(?:\/[0-9]{1,3})?$/;

/** Makes what the server is told of the visitors: passwords leave this machine as salted hashes alone. */
export async function makeVisitorPolicy(
  rules: VisitorRules,
  key: SigningKey | null = null,
): Promise<VisitorPolicy> {
  const { login, allowIp, limits } = rules;
  const basicAuth = await Promise.all(rules.basicAuth.map((user) => hashPassword(user, key)));
  return { basicAuth, login, allowIp, limits };
}

/** Whether users and addresses are more than a registration has room for. */
export function isTooLong({ basicAuth, allowIp }: VisitorRules): boolean {
  const text = JSON.stringify([basicAuth.map(({ user }) => user), allowIp]);
  const length = new TextEncoder().encode(text).length;
  return length + basicAuth.length * HASH_COST > MAX_POLICY_LENGTH;
}

/** Whether some visitors are kept out. */
export function isGuarded(
  { basicAuth, allowIp }: Pick<VisitorRules, "basicAuth" | "allowIp">,
): boolean {
  return basicAuth.length > 0 || allowIp.length > 0;
}

/** Whether there is anything to check. */
export function hasPolicy(policy: VisitorPolicy): boolean {
  return encodeVisitorPolicy(policy) !== undefined;
}

/** Returns the member `policy` of a claim, or undefined for one that needs none. */
export function encodeVisitorPolicy(policy: VisitorPolicy): object | undefined {
  const { basicAuth, login, allowIp, limits } = policy;
  const members = {
    // One alone is written as the first version had it.
    ...(basicAuth.length === 0
      ? {}
      : { basicAuth: basicAuth.length > 1 ? basicAuth : basicAuth[0] }),
    ...(login ? { login } : {}),
    ...(allowIp.length === 0 ? {} : { allowIp }),
    ...Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== null)),
  };
  return Object.keys(members).length === 0 ? undefined : members;
}

/**
 * Reads the member `policy` of a claim. What is not known is refused and not ignored: it may be a lock.
 *
 * @throws {RegistrationError} `bad_policy` for anything that is not exactly as it must be.
 */
export function decodeVisitorPolicy(value: unknown): VisitorPolicy {
  if (value === undefined) return OPEN_POLICY;
  const { basicAuth, login, allowIp, rate, streams, body, timeout, ...others } = membersOf(value);
  refuseOthers(others);
  const policy: VisitorPolicy = {
    basicAuth: basicAuth === undefined ? [] : usersOf(basicAuth),
    login: login === undefined ? false : loginOf(login),
    allowIp: allowIp === undefined ? [] : allowedOf(allowIp),
    limits: {
      rate: rate === undefined ? null : rateOf(rate),
      streams: limitOf("streams", streams),
      body: limitOf("body", body),
      timeout: limitOf("timeout", timeout),
    },
  };
  if (policy.login && policy.basicAuth.length === 0) {
    throw bad("login is asked for without users that could");
  }
  return policy;
}

function usersOf(value: unknown): PasswordHash[] {
  if (!Array.isArray(value)) return [userOf(value)];
  if (value.length === 0 || value.length > MAX_USERS) {
    throw bad(`basicAuth is not a list of 1 to ${MAX_USERS} users`);
  }
  const users = value.map(userOf);
  if (new Set(users.map(({ user }) => user)).size < users.length) {
    throw bad("basicAuth has a user twice");
  }
  return users;
}

function userOf(value: unknown): PasswordHash {
  const { user, salt, hash, iterations, ...others } = membersOf(value);
  refuseOthers(others);
  return decodePasswordHash({ user, salt, hash, iterations });
}

function loginOf(value: unknown): boolean {
  if (value !== true) throw bad("login is not true");
  return value;
}

function allowedOf(value: unknown): string[] {
  // An empty list would lock everybody out or let everybody in, depending on who reads it.
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_ALLOWED) {
    throw bad(`allowIp is not a list of 1 to ${MAX_ALLOWED} addresses`);
  }
  return value.map((network: unknown) => {
    if (typeof network === "string" && NETWORK.test(network)) return network;
    throw bad("allowIp has a member that is neither an address nor a network");
  });
}

function rateOf(value: unknown): VisitorLimits["rate"] {
  const { count, period, ...others } = membersOf(value);
  refuseOthers(others);
  return { count: numberOf("count", count), period: numberOf("period", period) };
}

function limitOf(name: string, value: unknown): number | null {
  return value === undefined ? null : numberOf(name, value);
}

function numberOf(name: string, value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= MAX_LIMIT) {
    return value;
  }
  throw bad(`${name} is not a whole number from 1 to ${MAX_LIMIT}`);
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw bad("the visitor policy of the registration is not a JSON object");
  }
  return { __proto__: null, ...value };
}

function refuseOthers(others: object): void {
  if (Object.keys(others).length > 0) {
    throw bad("the visitor policy asks for something that this server does not know");
  }
}

function bad(message: string): RegistrationError {
  return new RegistrationError("bad_policy", message);
}
