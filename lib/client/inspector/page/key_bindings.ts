import type { PageModel } from "./page_model.ts";

/** A key, what it is called, and what it does. */
export interface KeyBinding {
  readonly keys: readonly string[];
  readonly label: string;
  readonly run: (model: PageModel) => void;
}

/** Where the filter's text is typed. */
export const FILTER_ID = "filter";

export const KEY_BINDINGS: readonly KeyBinding[] = [
  { keys: ["j"], label: "older", run: (model) => model.moveCursor(1) },
  { keys: ["k"], label: "newer", run: (model) => model.moveCursor(-1) },
  { keys: ["Enter"], label: "open", run: (model) => model.open() },
  { keys: ["Esc", "Escape"], label: "close", run: (model) => model.close() },
  { keys: ["r"], label: "replay", run: (model) => void model.replay() },
  { keys: ["e"], label: "edit", run: (model) => model.openTab("edit") },
  { keys: ["/"], label: "filter", run: () => document.getElementById(FILTER_ID)?.focus() },
  { keys: ["p"], label: "pause", run: (model) => model.list.togglePause() },
  { keys: ["c"], label: "clear", run: (model) => void model.clear() },
];

/** Lets the keys of the page work wherever no text is typed. */
export function bindKeys(model: PageModel): void {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const { target } = event;
    if (isTyping(target)) {
      if (event.key === "Escape" && target instanceof HTMLElement) target.blur();
      return;
    }
    // What has the focus does its own with Enter.
    if (event.key === "Enter" && isControl(target)) return;
    const binding = KEY_BINDINGS.find(({ keys }) => keys.includes(event.key));
    if (binding === undefined || (event.repeat && !REPEATED.has(event.key))) return;
    event.preventDefault();
    binding.run(model);
  });
}

/** Keys that may be held down. */
const REPEATED: ReadonlySet<string> = new Set(["j", "k"]);

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.matches("input, textarea, select");
}

function isControl(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("a, button, summary") !== null;
}
