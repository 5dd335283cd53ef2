import type { ExchangeKind } from "../exchange.ts";
import { FILTER_ID } from "./key_bindings.ts";
import { filterQuery, isFiltering, NO_FILTER, STATUS_CLASSES, toggled } from "./list_filter.ts";
import type { PageModel } from "./page_model.ts";

/** Chooses what the list shows, and does what concerns all of it. */
export function FilterBar({ model }: { readonly model: PageModel }) {
  const { filter, list } = model;
  const methods = [...new Set(list.shown.map(({ method }) => method))].sort();
  return (
    <div class="filter" role="search">
      <input
        id={FILTER_ID}
        type="search"
        placeholder="filter  /"
        aria-label="Filter by text"
        value={filter.text}
        spellcheck={false}
        autocomplete="off"
        onInput={({ currentTarget }) => model.setFilter({ text: currentTarget.value })}
      />
      <select
        aria-label="Method"
        value={filter.method ?? ""}
        onChange={({ currentTarget }) => model.setFilter({ method: currentTarget.value || null })}
      >
        <option value="">any method</option>
        {methods.map((method) => <option key={method} value={method}>{method}</option>)}
      </select>
      <span class="chips" role="group" aria-label="Status">
        {STATUS_CLASSES.map((known) => (
          <Chip
            key={known}
            label={known}
            class={`status-${known[0]}`}
            isOn={filter.classes.has(known)}
            toggle={() => model.setFilter({ classes: toggled(filter.classes, known) })}
          />
        ))}
      </span>
      <span class="chips" role="group" aria-label="Kind">
        {KINDS.map(([kind, label, title]) => (
          <Chip
            key={kind}
            label={label}
            title={title}
            isOn={filter.kinds.has(kind)}
            toggle={() => model.setFilter({ kinds: toggled(filter.kinds, kind) })}
          />
        ))}
      </span>
      {isFiltering(filter) && (
        <button type="button" onClick={() => model.setFilter(NO_FILTER)}>show all</button>
      )}
      <span class="actions">
        <button
          type="button"
          aria-pressed={list.isPaused}
          title="p"
          onClick={() => list.togglePause()}
        >
          {list.isPaused ? `paused${list.waiting > 0 ? `, ${list.waiting} new` : ""}` : "pause"}
        </button>
        <button type="button" title="c: forgets all exchanges" onClick={() => model.clear()}>
          clear
        </button>
        <a class="button" href={`/api/har${filterQuery(filter)}`} download="tunnel.har">save HAR</a>
      </span>
    </div>
  );
}

const KINDS: readonly (readonly [ExchangeKind, string, string])[] = [
  ["http", "HTTP", "requests with an answer"],
  ["websocket", "WS", "WebSockets"],
  ["events", "SSE", "streams of events"],
];

interface ChipProps {
  readonly label: string;
  readonly title?: string;
  readonly class?: string;
  readonly isOn: boolean;
  readonly toggle: () => void;
}

function Chip({ label, title, class: name = "", isOn, toggle }: ChipProps) {
  return (
    <button type="button" class={`chip ${name}`} aria-pressed={isOn} title={title} onClick={toggle}>
      {label}
    </button>
  );
}
