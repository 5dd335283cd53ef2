import type { ListedTunnel } from "../operator_view.ts";

/** Characters of an id or a key by which a person tells a few from each other. */
export const SHORT = 8;

/** Returns what a person calls a tunnel. */
export function shortName({ id, name }: Pick<ListedTunnel, "id" | "name">): string {
  return name === "" ? id.slice(0, SHORT) : name;
}

/** Writes a count with its noun. */
export function countText(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** Writes how long ago something was: 12 s, 3 min, 5 h, 2 d. */
export function sinceText(since: string): string {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(since)) / 1000));
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
