import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ExchangeSummary } from "../exchange.ts";
import { ExchangeRow } from "./exchange_row.tsx";
import { ListAnchor } from "./list_anchor.ts";
import type { PageModel } from "./page_model.ts";

/** Rows that are drawn above and below those that can be seen, so that scrolling meets none that is empty. */
const OVERSCAN = 12;

/** Pixels of a row, where there is room for one line and where there is not. */
const ROW = { wide: 28, narrow: 52 } as const;

/** Where a row has two lines; the style sheet has the same. */
const NARROW = matchMedia("(max-width: 700px)");

export interface ExchangeTableProps {
  readonly model: PageModel;
  readonly exchanges: readonly ExchangeSummary[];
}

/** The list: of any number of exchanges only those are drawn that can be seen. */
export function ExchangeTable({ model, exchanges }: ExchangeTableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const anchor = useRef(new ListAnchor()).current;
  const [view, setView] = useState({ top: 0, height: 0 });
  const height = useRowHeight();
  const look = () => {
    const element = scroller.current;
    if (element === null) return;
    anchor.scrolled(element.scrollTop, exchanges, height);
    const { scrollTop: top, clientHeight } = element;
    setView((view) =>
      view.top === top && view.height === clientHeight ? view : { top, height: clientHeight }
    );
  };
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const isFocused = element.contains(document.activeElement);
    const top = anchor.topOf(exchanges, height, isFocused);
    if (top !== element.scrollTop) element.scrollTop = top;
    look();
  }, [exchanges, height]);
  useEffect(() => {
    const observer = new ResizeObserver(look);
    if (scroller.current !== null) observer.observe(scroller.current);
    return () => observer.disconnect();
  }, [exchanges, height]);
  useCursor(model, scroller, exchanges, height);

  const first = Math.max(0, Math.floor(view.top / height) - OVERSCAN);
  const last = Math.ceil((view.top + view.height) / height) + OVERSCAN;
  const cursor = exchanges.some(({ id }) => id === model.cursor) ? model.cursor : exchanges[0]?.id;
  const unseen = anchor.unseen(exchanges);
  return (
    <>
      {unseen > 0 && (
        <button
          type="button"
          class="unseen"
          onClick={() => {
            anchor.follow();
            scroller.current?.scrollTo({ top: 0 });
          }}
        >
          {unseen} new ↑
        </button>
      )}
      <div
        class="scroller"
        ref={scroller}
        onScroll={look}
        onPointerMove={() => anchor.aimed()}
        onPointerDown={() => anchor.aimed()}
      >
        <ol class="rows" style={{ height: `${exchanges.length * height}px` }}>
          {exchanges.slice(first, last).map((exchange, index) => (
            <ExchangeRow
              key={exchange.id}
              exchange={exchange}
              place={first + index + 1}
              count={exchanges.length}
              top={(first + index) * height}
              isOpen={exchange.id === model.navigation.route?.id}
              isAtCursor={exchange.id === cursor}
            />
          ))}
        </ol>
      </div>
    </>
  );
}

/** Brings the row of the cursor into view and gives it the focus when keys have moved it. */
function useCursor(
  model: PageModel,
  scroller: { readonly current: HTMLDivElement | null },
  exchanges: readonly ExchangeSummary[],
  height: number,
): void {
  const { cursor } = model;
  const known = useRef<number | null>(null);
  const isFirst = useRef(true);
  useLayoutEffect(() => {
    if (cursor === known.current) return;
    known.current = cursor;
    const isGiven = isFirst.current;
    isFirst.current = false;
    const element = scroller.current;
    const index = exchanges.findIndex(({ id }) => id === cursor);
    if (element === null || index === -1) return;
    const [top, bottom] = [index * height, (index + 1) * height];
    if (top < element.scrollTop) element.scrollTop = top;
    else if (bottom > element.scrollTop + element.clientHeight) {
      element.scrollTop = bottom - element.clientHeight;
    }
    // The URL named it, and nobody has moved yet.
    if (isGiven) return;
    // A row far away is drawn only when the list has been scrolled to it.
    requestAnimationFrame(() => {
      const isElsewhere = document.activeElement?.closest(".detail, .top") ?? null;
      if (isElsewhere !== null) return;
      element.querySelector<HTMLElement>(`[data-id="${cursor}"]`)?.focus({ preventScroll: true });
    });
  }, [cursor, exchanges, height]);
}

function useRowHeight(): number {
  const [isNarrow, setIsNarrow] = useState(NARROW.matches);
  useEffect(() => {
    const change = () => setIsNarrow(NARROW.matches);
    NARROW.addEventListener("change", change);
    return () => NARROW.removeEventListener("change", change);
  }, []);
  return isNarrow ? ROW.narrow : ROW.wide;
}
