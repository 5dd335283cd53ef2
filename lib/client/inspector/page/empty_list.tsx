import { CopyButton } from "./copy_button.tsx";
import { isFiltering, NO_FILTER } from "./list_filter.ts";
import type { PageModel } from "./page_model.ts";

/** Says why there is nothing in the list, and what to do. */
export function EmptyList({ model }: { readonly model: PageModel }) {
  const { list, filter, feed } = model;
  if (!list.isLoaded) return <div class="empty">{feed.trouble === null && <p>Loading …</p>}</div>;
  if (isFiltering(filter) && list.shown.length > 0) {
    return (
      <div class="empty">
        <p>None of the {list.shown.length} recorded exchanges is let through by the filter.</p>
        <button type="button" onClick={() => model.setFilter(NO_FILTER)}>Show all</button>
      </div>
    );
  }
  const url = feed.tunnel?.servers.find((server) => server.url !== null)?.url ?? null;
  if (url === null) {
    return (
      <div class="empty">
        <p>Nothing has come yet: the tunnel is not connected.</p>
      </div>
    );
  }
  const command = `curl ${url}`;
  return (
    <div class="empty">
      <p>Nothing has come yet. Send the first request, and it appears here:</p>
      <p class="command">
        <code>{command}</code>
        <CopyButton what="the command" text={command} />
      </p>
    </div>
  );
}
