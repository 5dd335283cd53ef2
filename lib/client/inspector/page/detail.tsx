import { useLayoutEffect, useRef } from "preact/hooks";
import type { Exchange } from "../exchange.ts";
import { Comparison } from "./comparison.tsx";
import { DetailHead } from "./detail_head.tsx";
import { readExchange } from "./inspector_calls.ts";
import { useLoaded } from "./use_loaded.ts";
import { MessagesTab } from "./messages_tab.tsx";
import { OverviewTab } from "./overview_tab.tsx";
import type { PageModel } from "./page_model.ts";
import { RawTab } from "./raw_tab.tsx";
import { ReplayEditor } from "./replay_editor.tsx";
import { RequestTab, ResponseTab } from "./side_tabs.tsx";
import type { Route, TabName } from "./route.ts";
import { PANEL_ID, tabId, TabList } from "./tab_list.tsx";
import { WebhookTab } from "./webhook_tab.tsx";

export interface DetailProps {
  readonly model: PageModel;
  readonly route: Route;
}

/** All that is known of one exchange, in several views. */
export function Detail({ model, route: { id, tab } }: DetailProps) {
  const { value: exchange, trouble } = useLoaded(() => readExchange(id), [id, model.list.get(id)]);
  const section = useRef<HTMLElement>(null);
  // On a telephone the list is covered: what reads the page aloud has to go on here.
  useLayoutEffect(() => {
    if (NARROW.matches) section.current?.focus();
  }, []);
  if (exchange === null) {
    return (
      <section class="detail" ref={section} tabIndex={-1} aria-label={`Exchange ${id}`}>
        <button type="button" class="back" onClick={() => model.close()}>← list</button>
        {trouble !== null && <p class="trouble" role="alert">{trouble}</p>}
      </section>
    );
  }
  const hasDraft = model.drafts.get(id) !== undefined;
  const tabs = tabsOf(exchange, tab, hasDraft);
  const chosen = tabs.find(({ name }) => name === tab)?.name ?? "overview";
  return (
    <section class="detail" ref={section} tabIndex={-1} aria-label={`Exchange ${id}`}>
      <DetailHead model={model} exchange={exchange} />
      {trouble !== null && <p class="trouble" role="alert">{trouble}</p>}
      <TabList tabs={tabs} chosen={chosen} choose={(name) => model.openTab(name)} />
      <div id={PANEL_ID} class="panel" role="tabpanel" tabIndex={0} aria-labelledby={tabId(chosen)}>
        <Panel key={chosen} model={model} exchange={exchange} tab={chosen} />
      </div>
    </section>
  );
}

/** Where the detail lies over the list; the style sheet has the same. */
const NARROW = matchMedia("(max-width: 700px)");

interface PanelProps {
  readonly model: PageModel;
  readonly exchange: Exchange;
  readonly tab: TabName;
}

function Panel({ model, exchange, tab }: PanelProps) {
  switch (tab) {
    case "overview":
      return <OverviewTab model={model} exchange={exchange} />;
    case "request":
      return <RequestTab exchange={exchange} />;
    case "response":
      return <ResponseTab exchange={exchange} />;
    case "messages":
      return <MessagesTab exchange={exchange} />;
    case "raw":
      return <RawTab exchange={exchange} />;
    case "webhook":
      return <WebhookTab exchange={exchange} />;
    case "compare":
      return <Comparison model={model} exchange={exchange} />;
    case "edit":
      return <ReplayEditor model={model} exchange={exchange} />;
  }
}

function tabsOf(
  { kind, replayOf, messages, webhook }: Exchange,
  tab: TabName,
  hasDraft: boolean,
) {
  const count = (messages?.fromVisitor ?? 0) + (messages?.fromService ?? 0);
  const all: readonly { readonly name: TabName; readonly label: string; readonly is: boolean }[] = [
    { name: "overview", label: "Overview", is: true },
    { name: "compare", label: "Compare", is: replayOf !== null },
    { name: "request", label: "Request", is: true },
    { name: "response", label: "Response", is: true },
    {
      name: "messages",
      label: `${kind === "events" ? "Events" : "Messages"} ${count}`,
      is: messages !== null,
    },
    { name: "raw", label: "Raw", is: true },
    {
      name: "webhook",
      label: "Webhook",
      is: kind === "http" && (tab === "webhook" || webhook !== null),
    },
    { name: "edit", label: "Edit", is: tab === "edit" || hasDraft },
  ];
  return all.filter(({ is }) => is);
}
