/** What the page shows beside its list; the URL names it, so that Back works and a link can be sent. */
export interface Route {
  readonly id: number;
  readonly tab: TabName;
}

export const TAB_NAMES = [
  "overview",
  "request",
  "response",
  "messages",
  "raw",
  "webhook",
  "compare",
  "edit",
] as const;

export type TabName = typeof TAB_NAMES[number];

/** Reads the fragment of a URL; null for the list alone. */
export function parseRoute(fragment: string): Route | null {
  const [, id, name = "overview"] = /^#\/([1-9]\d{0,14})(?:\/([a-z]+))?$/.exec(fragment) ?? [];
  if (id === undefined) return null;
  return { id: Number(id), tab: TAB_NAMES.find((known) => known === name) ?? "overview" };
}

export function fragmentOf(route: Route | null): string {
  if (route === null) return "#/";
  return route.tab === "overview" ? `#/${route.id}` : `#/${route.id}/${route.tab}`;
}
