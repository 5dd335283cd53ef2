import type { ExchangeKind, ExchangeSummary } from "../exchange.ts";

/** What a list is reduced to; an empty set lets everything through. */
export interface ListFilter {
  readonly text: string;
  /** Null for every method. */
  readonly method: string | null;
  readonly classes: ReadonlySet<StatusClass>;
  readonly kinds: ReadonlySet<ExchangeKind>;
}

export type StatusClass = "2xx" | "3xx" | "4xx" | "5xx";

export const STATUS_CLASSES: readonly StatusClass[] = ["2xx", "3xx", "4xx", "5xx"];

export const NO_FILTER: ListFilter = {
  text: "",
  method: null,
  classes: new Set(),
  kinds: new Set(),
};

export function isFiltering({ text, method, classes, kinds }: ListFilter): boolean {
  return text !== "" || method !== null || classes.size > 0 || kinds.size > 0;
}

/** Returns the exchanges that a filter lets through, by the rules of `GET /api/exchanges`. */
export function filtered(
  exchanges: readonly ExchangeSummary[],
  filter: ListFilter,
): readonly ExchangeSummary[] {
  if (!isFiltering(filter)) return exchanges;
  const text = filter.text.toLowerCase();
  return exchanges.filter((exchange) => {
    const { method, kind, status } = exchange;
    if (filter.method !== null && filter.method !== method) return false;
    if (filter.kinds.size > 0 && !filter.kinds.has(kind)) return false;
    if (
      filter.classes.size > 0 &&
      !STATUS_CLASSES.some((known) => filter.classes.has(known) && classOf(status) === known)
    ) return false;
    return text === "" || searched(exchange).includes(text);
  });
}

/** Writes the parameters with which `GET /api/har` exports what the filter lets through. */
export function filterQuery({ text, method, classes, kinds }: ListFilter): string {
  const parameters = new URLSearchParams();
  if (text !== "") parameters.set("text", text);
  if (method !== null) parameters.set("method", method);
  if (classes.size > 0) parameters.set("status", [...classes].join(","));
  if (kinds.size > 0) parameters.set("kind", [...kinds].join(","));
  return parameters.size === 0 ? "" : `?${parameters}`;
}

/** Returns a set with a member more, or without it. */
export function toggled<T>(set: ReadonlySet<T>, member: T): ReadonlySet<T> {
  const next = new Set(set);
  if (!next.delete(member)) next.add(member);
  return next;
}

function classOf(status: number | null): string {
  return status === null ? "" : `${Math.floor(status / 100)}xx`;
}

function searched(
  { tunnel, method, host, target, visitor, status }: ExchangeSummary,
): string {
  const name = tunnel === "" ? "" : `${tunnel}:`;
  return [name, `${method} ${host ?? ""}${target}`, visitor ?? "", status ?? ""].join("\n")
    .toLowerCase();
}
