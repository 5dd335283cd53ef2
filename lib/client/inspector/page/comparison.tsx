import type { Exchange } from "../exchange.ts";
import { durationText, sizeText } from "../../../cli/measures.ts";
import { answerLines } from "./answer_lines.ts";
import { isSamePair, type LinePair, linePairs } from "./differences.ts";
import { statusClass } from "./exchange_row.tsx";
import { readDecoded, readExchange, readMessages } from "./inspector_calls.ts";
import { messageLine } from "./message_row.tsx";
import { useLoaded } from "./use_loaded.ts";
import { fieldText } from "./octet_text.ts";
import type { PageModel } from "./page_model.ts";
import { SecretText } from "./secret_text.tsx";
import { fieldParts, isSecretName, type TextPart, textParts } from "./secrets.ts";
import { statusName } from "./status_names.ts";

export interface ComparisonProps {
  readonly model: PageModel;
  /** A replay. */
  readonly exchange: Exchange;
}

/** The answer to a replay beside the answer to what was sent again. */
export function Comparison({ model, exchange }: ComparisonProps) {
  const { replayOf } = exchange;
  const { value: first, trouble } = useLoaded(
    () => replayOf === null ? Promise.resolve(null) : readExchange(replayOf),
    [replayOf, model.list.get(replayOf ?? 0), exchange.id],
  );
  if (first === null) {
    return trouble === null ? null : <p class="trouble">The first one is not kept: {trouble}</p>;
  }
  return (
    <div class="comparison">
      <Others model={model} first={first} chosen={exchange.id} />
      <div class="pair heads">
        <Answer title={`first, number ${first.id}`} exchange={first} />
        <Answer title={`replay, number ${exchange.id}`} exchange={exchange} />
      </div>
      <Difference title="Fields" pairs={linePairs(fieldLines(first), fieldLines(exchange))} />
      {exchange.kind === "websocket"
        ? <MessageDifference first={first} second={exchange} />
        : <BodyDifference first={first} second={exchange} />}
    </div>
  );
}

/** The other replays of the same request. */
function Others({ model, first, chosen }: {
  readonly model: PageModel;
  readonly first: Exchange;
  readonly chosen: number;
}) {
  if (first.replays.length < 2) return null;
  return (
    <nav class="others" aria-label="Replays">
      <span class="quiet">replays</span>
      {first.replays.map((id) => {
        const replay = model.list.get(id);
        return (
          <a key={id} href={`#/${id}/compare`} aria-current={id === chosen ? "true" : undefined}>
            {id}{" "}
            {replay !== undefined && (
              <span class={statusClass(replay)}>{replay.status ?? replay.state}</span>
            )}
          </a>
        );
      })}
    </nav>
  );
}

function Answer({ title, exchange }: { readonly title: string; readonly exchange: Exchange }) {
  const { status, state, duration, responseSize } = exchange;
  return (
    <div>
      <h3 class="quiet">{title}</h3>
      <p>
        <strong class={statusClass(exchange)}>
          {status === null ? state : `${status} ${statusName(status)}`}
        </strong>
      </p>
      <p class="quiet">
        {duration === null ? "open" : durationText(duration)} · {sizeText(responseSize)}
      </p>
    </div>
  );
}

function BodyDifference(
  { first, second }: { readonly first: Exchange; readonly second: Exchange },
) {
  const left = useAnswerLines(first);
  const right = useAnswerLines(second);
  const trouble = left.trouble ?? right.trouble;
  if (trouble !== null) return <p class="trouble">{trouble}</p>;
  if (left.value === null || right.value === null) return null;
  return <Difference title="Body" pairs={linePairs(left.value, right.value)} />;
}

/** What was said over a WebSocket, both times; closes as well. */
function MessageDifference(
  { first, second }: { readonly first: Exchange; readonly second: Exchange },
) {
  const left = useMessageLines(first);
  const right = useMessageLines(second);
  const trouble = left.trouble ?? right.trouble;
  if (trouble !== null) return <p class="trouble">{trouble}</p>;
  if (left.value === null || right.value === null) return null;
  return <Difference title="Messages" pairs={linePairs(left.value, right.value)} />;
}

function useMessageLines({ id, state, messages }: Exchange) {
  return useLoaded(async () => {
    const { messages: kept } = await readMessages(id, null);
    return kept.map((message) =>
      `${message.from === "visitor" ? "↑" : "↓"} ${
        message.kind === "text" ? "" : `${message.kind} `
      }` +
      messageLine(message)
    );
  }, [id, state, messages?.fromVisitor, messages?.fromService]);
}

function useAnswerLines({ response }: Exchange) {
  const { href, kept, isComplete, type } = response?.body ?? {};
  return useLoaded(async () => {
    if (href === undefined || href === null || kept === 0) return [];
    return answerLines(type ?? null, (await readDecoded(href)).octets);
  }, [href, kept, isComplete]);
}

interface DifferenceProps {
  readonly title: string;
  readonly pairs: readonly LinePair[];
}

/** Lines of both sides; what both have is quiet. */
function Difference({ title, pairs }: DifferenceProps) {
  const count = pairs.filter((pair) => !isSamePair(pair)).length;
  return (
    <section aria-label={title}>
      <h3>
        {title}{" "}
        <span class="quiet">
          {pairs.length === 0
            ? "none"
            : count === 0
            ? "the same"
            : `${count} of ${pairs.length} lines differ`}
        </span>
      </h3>
      <div class="pairs">
        {pairs.slice(0, MAX_LINES).map((pair, index) => (
          <div key={index} class={isSamePair(pair) ? "pair is-same" : "pair differs"}>
            <Line mark="−" text={pair.left} isSame={isSamePair(pair)} />
            <Line mark="+" text={pair.right} isSame={isSamePair(pair)} />
          </div>
        ))}
      </div>
      {pairs.length > MAX_LINES && <p class="quiet cut">{pairs.length - MAX_LINES} more lines</p>}
    </section>
  );
}

/** Lines that are drawn: more than anybody reads, and a browser gets slow with many more. */
const MAX_LINES = 2000;

function Line({ mark, text, isSame }: {
  readonly mark: string;
  readonly text: string | null;
  readonly isSame: boolean;
}) {
  if (text === null) return <code class="is-missing"></code>;
  return (
    <code>
      {!isSame && <span class="mark" aria-label={mark === "+" ? "replay" : "first"}>{mark}</span>}
      <SecretText parts={lineParts(text)} />
    </code>
  );
}

/** A line may be a field, and a secret one is covered here as well. */
function lineParts(line: string): readonly TextPart[] {
  const [, name, value = ""] = /^"?([\w-]+)"?: (.+)$/.exec(line.trimStart()) ?? [];
  if (name === undefined || !isSecretName(name)) return textParts(line);
  return [{ text: line.slice(0, -value.length), isSecret: false }, ...fieldParts(name, value)];
}

function fieldLines({ response }: Exchange): readonly string[] {
  return (response?.fields ?? []).map(([name, value]) => `${name}: ${fieldText(value)}`);
}
