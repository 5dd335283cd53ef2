import type { ExchangeSummary } from "../exchange.ts";
import { durationText, sizeText } from "../../../cli/measures.ts";
import { clockText } from "./amounts.ts";
import { visible } from "./octet_text.ts";
import { fragmentOf } from "./route.ts";
import { coveredText, targetParts } from "./secrets.ts";

export interface ExchangeRowProps {
  readonly exchange: ExchangeSummary;
  /** Its place among all that are shown, from 1, and how many there are. */
  readonly place: number;
  readonly count: number;
  /** Pixels from the start of the list. */
  readonly top: number;
  readonly isOpen: boolean;
  readonly isAtCursor: boolean;
}

/** One exchange as a line of the list, which leads to it. */
export function ExchangeRow(
  { exchange, place, count, top, isOpen, isAtCursor }: ExchangeRowProps,
) {
  const { id, kind, tunnel, method, target, arrived, replayOf, visitor, responseType } = exchange;
  const shown = visible(coveredText(targetParts(target)));
  const status = statusText(exchange);
  const amount = amountText(exchange);
  return (
    <li class="row" style={{ top: `${top}px` }} aria-posinset={place} aria-setsize={count}>
      <a
        href={fragmentOf({ id, tab: "overview" })}
        tabIndex={isAtCursor ? 0 : -1}
        data-id={id}
        aria-current={isOpen ? "true" : undefined}
        title={exchange.reason ?? undefined}
      >
        <time class="quiet" dateTime={arrived}>{clockText(arrived)}</time>
        <span class="method">{kind === "websocket" ? "WS" : visible(method)}</span>
        <span class="target">
          {replayOf !== null && <span class="replayed" title={`replay of ${replayOf}`}>↻{" "}
          </span>}
          {tunnel !== "" && <span class="quiet">{`${tunnel}: `}</span>}
          <span class="target-start">{shown.slice(0, -TAIL)}</span>
          <span>{shown.slice(-TAIL)}</span>
        </span>
        <span class={`status ${statusClass(exchange)}`}>{status}</span>
        <span class="amount">{amount}</span>
        <span class="size">{sizeText(exchange.responseSize)}</span>
        <span class="type quiet">{responseType}</span>
        <span class="visitor quiet">{visitor}</span>
      </a>
    </li>
  );
}

/** Characters at the end of a target that are never cut off: the end tells two long ones apart. */
const TAIL = 12;

function statusText({ kind, state, status }: ExchangeSummary): string {
  if (state === "failed") return status === null ? "failed" : `${status} failed`;
  if (state === "left") return status === null || status === 101 ? "left" : `${status} left`;
  if (kind === "websocket" && status === 101) return state === "open" ? "open" : "closed";
  return status === null ? "…" : `${status}`;
}

/** The class that colours a status; what it says is said by the text as well. */
export function statusClass({ state, status }: Pick<ExchangeSummary, "state" | "status">): string {
  if (state === "failed") return "status-5";
  return status === null ? "" : `status-${Math.floor(status / 100)}`;
}

function amountText({ kind, state, duration, messages }: ExchangeSummary): string {
  if (messages !== null) {
    const sent = kind === "websocket" ? `${messages.fromVisitor}↑ ` : "";
    return `${sent}${messages.fromService}↓${state === "open" ? " ●" : ""}`;
  }
  return duration === null ? "●" : durationText(duration);
}
