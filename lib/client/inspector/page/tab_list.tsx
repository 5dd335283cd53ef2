import { useLayoutEffect } from "preact/hooks";
import type { TabName } from "./route.ts";

export interface TabListProps {
  readonly tabs: readonly { readonly name: TabName; readonly label: string }[];
  readonly chosen: TabName;
  readonly choose: (tab: TabName) => void;
}

/** The views of an exchange, by the pattern that screen readers know: arrows move, one of them is in the tab order. */
export function TabList({ tabs, chosen, choose }: TabListProps) {
  // Where there is no room for all of them, the chosen one is in sight.
  useLayoutEffect(() => {
    document.getElementById(tabId(chosen))?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [chosen]);
  const move = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    const at = tabs.findIndex(({ name }) => name === chosen);
    const next = tabs[(at + by + tabs.length) % tabs.length];
    if (next === undefined) return;
    choose(next.name);
    document.getElementById(tabId(next.name))?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Views" onKeyDown={move}>
      {tabs.map(({ name, label }) => (
        <button
          key={name}
          id={tabId(name)}
          type="button"
          role="tab"
          aria-selected={name === chosen}
          aria-controls={PANEL_ID}
          tabIndex={name === chosen ? 0 : -1}
          onClick={() => choose(name)}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

/** What the tabs choose the content of. */
export const PANEL_ID = "panel";

export function tabId(tab: TabName): string {
  return `tab-${tab}`;
}
