import type { Exchange } from "../exchange.ts";
import { durationText, sizeText } from "../../../cli/measures.ts";
import { clockText, countText } from "./amounts.ts";
import { BodyView } from "./body_view.tsx";
import { CopyButton } from "./copy_button.tsx";
import { statusClass } from "./exchange_row.tsx";
import type { PageModel } from "./page_model.ts";
import { SecretText } from "./secret_text.tsx";
import { targetParts } from "./secrets.ts";
import { TimeBar } from "./time_bar.tsx";

export interface OverviewTabProps {
  readonly model: PageModel;
  readonly exchange: Exchange;
}

/** The answers to what is asked first: how long, how much, from where, and what was said. */
export function OverviewTab({ model, exchange }: OverviewTabProps) {
  const { request, response, messages, kind } = exchange;
  return (
    <>
      <TimeBar times={exchange.times} />
      <Facts exchange={exchange} />
      <Replays model={model} ids={exchange.replays} />
      {kind !== "websocket" && request.body.size > 0 && (
        <BodyView title="Request body" body={request.body} />
      )}
      {messages !== null && (
        <p>
          {countText(
            messages.fromVisitor + messages.fromService,
            kind === "events" ? "event" : "message",
          )} so far. <a href={`#/${exchange.id}/messages`}>Show them</a>
        </p>
      )}
      {kind === "http" && response !== null && response.body.size > 0 && (
        <BodyView title="Response body" body={response.body} />
      )}
    </>
  );
}

function Facts({ exchange }: { readonly exchange: Exchange }) {
  const { scheme, host, target, arrived, requestSize, responseSize, responseType } = exchange;
  const url = `${scheme}://${host ?? ""}${target}`;
  return (
    <dl class="facts">
      <dt>URL</dt>
      <dd>
        <bdi>
          {scheme}://{host}
          <SecretText parts={targetParts(target)} />
        </bdi>
        <CopyButton what="the URL" text={url} />
      </dd>
      <dt>Arrived</dt>
      <dd>
        <time dateTime={arrived}>{new Date(arrived).toLocaleString("en-GB")}</time>
      </dd>
      <dt>Request</dt>
      <dd>{sizeText(requestSize)}</dd>
      <dt>Response</dt>
      <dd>
        {sizeText(responseSize)}
        {responseType !== null && <span class="quiet">, {responseType}</span>}
      </dd>
    </dl>
  );
}

/** The times that the request was sent again. */
function Replays({ model, ids }: { readonly model: PageModel; readonly ids: readonly number[] }) {
  if (ids.length === 0) return null;
  return (
    <section class="replays">
      <h3>
        Replays <span class="quiet">{ids.length}</span>
      </h3>
      <ul>
        {ids.map((id) => {
          const replay = model.list.get(id);
          return (
            <li key={id}>
              <a href={`#/${id}/compare`}>
                {replay === undefined ? `number ${id}` : clockText(replay.arrived)}
              </a>
              {replay !== undefined && (
                <>
                  <strong class={statusClass(replay)}>{replay.status ?? replay.state}</strong>
                  <span>{replay.duration === null ? "open" : durationText(replay.duration)}</span>
                </>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
