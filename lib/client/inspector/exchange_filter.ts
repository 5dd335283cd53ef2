import { parseInteger } from "../../cli/flags.ts";
import { listMembers } from "../../http/fields.ts";
import { isLabel } from "../../identity/claim.ts";
import { isToken } from "../../http/octets.ts";
import { APIError } from "./api_error.ts";
import { EXCHANGE_KINDS, EXCHANGE_STATES, type ExchangePage } from "./exchange.ts";
import type { ExchangeRecord } from "./exchange_record.ts";
import { senderOf, summaryOf } from "./exchange_view.ts";

/** Exchanges of a page, unless it is said and at most. */
const LIMIT = { byDefault: 100, most: 1000 } as const;

type Check = (record: ExchangeRecord) => boolean;

/** Makes a page of exchanges as the parameters of a call want it. @throws {APIError} for a parameter that is wrong. */
export function pageOf(
  records: readonly ExchangeRecord[],
  parameters: URLSearchParams,
): ExchangePage {
  const limit = integerIn(parameters, "limit", 1, LIMIT.most) ?? LIMIT.byDefault;
  const found = filtered(records, parameters).reverse();
  const page = found.slice(0, limit);
  const next = found.length > page.length ? page.at(-1)?.id ?? null : null;
  return { exchanges: page.map(summaryOf), next };
}

/**
 * Returns the exchanges that the parameters of a call choose, in the order in which they are given.
 *
 * @throws {APIError} for a parameter that is wrong.
 */
export function filtered(
  records: readonly ExchangeRecord[],
  parameters: URLSearchParams,
): ExchangeRecord[] {
  const checks = [
    ...listed(parameters, IDS, (ids) => ({ id }) => ids.includes(`${id}`)),
    ...listed(parameters, METHODS, (methods) => ({ method }) => methods.includes(method)),
    ...listed(parameters, STATUSES, (statuses) => ({ status }) => hasStatus(status, statuses)),
    ...listed(parameters, KINDS, (kinds) => ({ kind }) => kinds.includes(kind)),
    ...listed(parameters, TUNNELS, (tunnels) => ({ tunnel }) => tunnels.includes(tunnel)),
    ...listed(parameters, STATES, (states) => ({ state }) => states.includes(state)),
    ...numbered(parameters, "replayOf", (number) => ({ replayOf }) => replayOf === number),
    ...numbered(parameters, "before", (number) => ({ id }) => id < number),
    ...numbered(parameters, "after", (number) => ({ id }) => id > number),
    ...textCheck(parameters.get("text")),
  ];
  return records.filter((record) => checks.every((check) => check(record)));
}

/** Reads a parameter that is a whole number; null where it is not given. @throws {APIError} for another text. */
export function integerIn(
  parameters: URLSearchParams,
  name: string,
  least = 0,
  most = Number.MAX_SAFE_INTEGER,
): number | null {
  const text = parameters.get(name);
  if (text === null) return null;
  try {
    return parseInteger(text, least, most);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new APIError("bad_request", `${name} ${error.message}`);
  }
}

/** A parameter that is a list. */
interface ListParameter {
  readonly name: string;
  /** What each member must be, in words. */
  readonly wanted: string;
  readonly isMember: (text: string) => boolean;
}

const IDS: ListParameter = {
  name: "id",
  wanted: "ids such as 12,14",
  isMember: (text) => /^[0-9]+$/.test(text),
};
const METHODS: ListParameter = {
  name: "method",
  wanted: "methods such as GET,POST",
  isMember: isToken,
};
const STATUSES: ListParameter = {
  name: "status",
  wanted: "statuses and classes such as 404,5xx",
  isMember: (text) => /^[1-5](?:[0-9]{2}|xx)$/.test(text),
};
const TUNNELS: ListParameter = {
  name: "tunnel",
  wanted: "names of tunnels such as web,api",
  isMember: isLabel,
};
const KINDS = oneOf("kind", EXCHANGE_KINDS);
const STATES = oneOf("state", EXCHANGE_STATES);

function oneOf(name: string, known: readonly string[]): ListParameter {
  return { name, wanted: `of ${known.join(", ")}`, isMember: (text) => known.includes(text) };
}

/** A word that nothing can be found by is a mistake of the caller, which an empty list would hide. */
function listed(
  parameters: URLSearchParams,
  { name, wanted, isMember }: ListParameter,
  make: (members: readonly string[]) => Check,
): Check[] {
  const members = listMembers(parameters.getAll(name).join(",")).filter((member) => member !== "");
  const wrong = members.find((member) => !isMember(member));
  if (wrong !== undefined) {
    throw new APIError("bad_request", `${name} must be ${wanted}, not ${JSON.stringify(wrong)}`);
  }
  return members.length === 0 ? [] : [make(members)];
}

function numbered(
  parameters: URLSearchParams,
  name: string,
  make: (number: number) => Check,
): Check[] {
  const number = integerIn(parameters, name);
  return number === null ? [] : [make(number)];
}

/** Tells whether a status is in a list of statuses and classes such as `4xx`. */
function hasStatus(status: number | null, wanted: readonly string[]): boolean {
  if (status === null) return false;
  return wanted.includes(`${status}`) || wanted.includes(`${Math.floor(status / 100)}xx`);
}

function textCheck(text: string | null): Check[] {
  const wanted = text?.trim().toLowerCase() ?? "";
  if (wanted === "") return [];
  return [(record) => {
    const { tunnel, method, target, status } = record;
    const { host, visitor } = senderOf(record);
    const name = tunnel === "" ? "" : `${tunnel}: `;
    const line = `${name}${method} ${host ?? ""}${target} ${status ?? ""} ${visitor ?? ""}`;
    return line.toLowerCase().includes(wanted);
  }];
}
