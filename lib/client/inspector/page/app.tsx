import { Detail } from "./detail.tsx";
import { EmptyList } from "./empty_list.tsx";
import { ExchangeTable } from "./exchange_table.tsx";
import { FilterBar } from "./filter_bar.tsx";
import { KEY_BINDINGS } from "./key_bindings.ts";
import type { PageModel } from "./page_model.ts";
import { TunnelBar } from "./tunnel_bar.tsx";
import { useObservables } from "./use_observables.ts";

/** The whole page: a list, and one exchange beside it, which on a telephone lies over it. */
export function App({ model }: { readonly model: PageModel }) {
  useObservables(model);
  const { route } = model.navigation;
  const { exchanges } = model;
  return (
    <div class={route === null ? "page" : "page has-detail"}>
      <header class="top">
        <TunnelBar model={model} />
        <FilterBar model={model} />
      </header>
      <main class="list" aria-label="Exchanges">
        {exchanges.length === 0
          ? <EmptyList model={model} />
          : <ExchangeTable model={model} exchanges={exchanges} />}
      </main>
      {route !== null && <Detail key={route.id} model={model} route={route} />}
      <footer class="keys" aria-label="Keys">
        {KEY_BINDINGS.map(({ keys: [key], label }) => (
          <span key={label}>
            <kbd>{key}</kbd> {label}
          </span>
        ))}
        <span class="notice" role="status">{model.notice}</span>
      </footer>
    </div>
  );
}
