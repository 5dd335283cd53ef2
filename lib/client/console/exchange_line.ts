import { escapeUnsafe } from "../../cli/safe_text.ts";
import { ErrorCode } from "../../wire/errors.ts";
import type { ExchangeSummary } from "../inspector/exchange.ts";
import { durationText, sizeText } from "../../cli/measures.ts";
import { type Paint, plain } from "./paint.ts";

/** What a line tells of an exchange. */
export interface ShownExchange extends
  Pick<
    ExchangeSummary,
    | "kind"
    | "state"
    | "replayOf"
    | "tunnel"
    | "method"
    | "target"
    | "status"
    | "duration"
    | "responseSize"
    | "messages"
  > {
  /** The code of the Reset that ended it, by either side. */
  readonly resetCode: number;
  /** The code with which a WebSocket was closed; null for none. */
  readonly closeCode: number | null;
}

/** Characters of the columns: time, method, and on the right outcome, duration and size. */
const TIME = 8;
const METHOD = 7;
const OUTCOME = 9;
const DURATION = 8;
const SIZE = 9;

/** Characters that the target keeps, at least: on a narrow terminal the columns on the right go instead. */
const LEAST_TARGET = 12;

/** Returns an exchange as one line of so many characters at most. */
export function exchangeLine(
  exchange: ShownExchange,
  { time, columns, nameColumn = 0, paint = plain }: {
    /** The time of day, as it is shown. */
    readonly time: string;
    /** Characters of the tunnel's name, where there are several tunnels. */
    readonly nameColumn?: number;
    readonly columns: number;
    readonly paint?: Paint;
  },
): string {
  const mark = exchange.replayOf === null ? " " : "↻";
  const method = exchange.kind === "websocket" ? "WS" : exchange.method;
  const name = middleCut(escapeUnsafe(method), LEAST_TARGET).padEnd(METHOD);
  const tunnel = nameColumn === 0
    ? ""
    : `${middleCut(exchange.tunnel, nameColumn).padEnd(nameColumn)} `;
  const left = `${" ".repeat(TIME)} ${mark}${tunnel}${name} `;
  const outcome = outcomeOf(exchange);
  const cells = [
    outcome.padStart(OUTCOME),
    durationOf(exchange).padStart(DURATION),
    sizeOf(exchange).padStart(SIZE),
  ];
  const width = () => cells.reduce((sum, cell) => sum + 1 + cell.length, left.length);
  while (cells.length > 1 && columns - width() < LEAST_TARGET) cells.pop();
  const room = Math.max(1, columns - width());
  const target = middleCut(escapeUnsafe(exchange.target), room).padEnd(room);
  const [first = "", ...others] = cells;
  const painted = first.replace(outcome, () => paint(colourOf(exchange), outcome));
  const end = [painted, ...others].join(" ").trimEnd();
  return `${paint("dim", time)} ${mark}${tunnel}${name} ${target} ${end}`;
}

/** Returns a text that fits so many characters: what is longer loses its middle, for both ends tell more. */
export function middleCut(text: string, width: number): string {
  if (text.length <= width) return text;
  const kept = Math.max(0, width - 1);
  const end = Math.floor(kept / 2);
  return `${text.slice(0, kept - end)}…${text.slice(text.length - end)}`;
}

/** Says in a word how an exchange ended, or that it has begun. */
export function outcomeOf(
  { kind, state, status, resetCode, closeCode }: ShownExchange,
): string {
  const answered = status === null ? "" : String(status);
  const isUpgraded = kind === "websocket" && status === 101;
  switch (state) {
    case "open":
      return isUpgraded ? "open" : "streaming";
    case "complete":
      if (isUpgraded) return closeCode === null ? "closed" : `closed ${closeCode}`;
      return answered;
    case "left":
      return isUpgraded || status === null ? "left" : `${answered} left`;
    case "failed":
      if (status === null) return UNANSWERED.get(resetCode) ?? "502";
      return isUpgraded ? "broken" : `${answered} cut`;
  }
}

/**
 * What became of a request without an answer of the service's, by the code of the Reset; for any other the server answers
 * with 502. With a timeout, either the service or the visitor's own body was too slow.
 */
const UNANSWERED: ReadonlyMap<number, string> = new Map([
  [ErrorCode.Timeout, "timeout"],
  [ErrorCode.TooLarge, "413"],
]);

function durationOf({ duration }: ShownExchange): string {
  return duration === null ? "" : durationText(duration);
}

function sizeOf({ state, messages, responseSize }: ShownExchange): string {
  if (state === "open") return "";
  if (messages === null) return sizeText(responseSize);
  const { fromVisitor, fromService } = messages;
  return fromVisitor === 0 ? `${fromService}↓` : `${fromVisitor}↑ ${fromService}↓`;
}

function colourOf({ state, status }: ShownExchange): Parameters<Paint>[0] {
  if (state === "failed") return "red";
  if (state === "left") return "yellow";
  switch (Math.floor((status ?? 0) / 100)) {
    case 2:
      return "green";
    case 4:
      return "yellow";
    case 5:
      return "red";
    default:
      return "cyan";
  }
}
