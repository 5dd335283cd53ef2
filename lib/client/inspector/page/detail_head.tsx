import type { Exchange } from "../exchange.ts";
import { durationText } from "../../../cli/measures.ts";
import { clockText } from "./amounts.ts";
import { COMMAND_KINDS, type CommandKind, commandOf } from "./commands.ts";
import { CopyButton } from "./copy_button.tsx";
import { statusClass } from "./exchange_row.tsx";
import { readKept } from "./inspector_calls.ts";
import type { PageModel } from "./page_model.ts";
import { fragmentOf } from "./route.ts";
import { SecretText } from "./secret_text.tsx";
import { targetParts } from "./secrets.ts";
import { phraseOf } from "./status_names.ts";

export interface DetailHeadProps {
  readonly model: PageModel;
  readonly exchange: Exchange;
}

/** What an exchange is, how it went, and what can be done with it. */
export function DetailHead({ model, exchange }: DetailHeadProps) {
  const { id, kind, method, target, request } = exchange;
  return (
    <header class="detail-head">
      <button type="button" class="back" onClick={() => model.close()}>
        <span aria-hidden="true">←</span> list
      </button>
      <h2>
        <span class="method">{kind === "websocket" ? "WS" : method}</span>{" "}
        <bdi class="target">
          <SecretText parts={targetParts(target)} />
        </bdi>
      </h2>
      <Outcome exchange={exchange} />
      <div class="actions">
        <button type="button" class="main" onClick={() => model.replay(id)}>
          Replay <kbd>r</kbd>
        </button>
        <button type="button" onClick={() => model.openTab("edit")}>
          Edit and replay <kbd>e</kbd>
        </button>
        <a class="button" href={`/api/har?id=${id}`} download={`tunnel-${id}.har`}>save HAR</a>
        {kind !== "websocket" && (
          <span class="copies" role="group" aria-label="Copy the request as a command">
            <span class="quiet">copy as</span>
            {COMMAND_KINDS.map((command) => (
              <CopyButton
                key={command}
                label={command}
                what="command"
                text={() => copied(command, exchange)}
              />
            ))}
          </span>
        )}
        {kind === "http" && request.body.size > 0 && exchange.webhook === null && (
          <button
            type="button"
            onClick={() => model.openTab("webhook")}
          >
            Check a signature
          </button>
        )}
      </div>
    </header>
  );
}

async function copied(command: CommandKind, exchange: Exchange): Promise<string> {
  const { href, size } = exchange.request.body;
  if (href === null || size === 0) return commandOf(command, exchange, new Uint8Array());
  const { octets, isWhole } = await readKept(href);
  if (!isWhole) throw new Error("the body was not kept whole");
  return commandOf(command, exchange, octets);
}

function Outcome({ exchange }: { readonly exchange: Exchange }) {
  const { status, response, state, duration, arrived, reason } = exchange;
  return (
    <>
      <p class="outcome">
        {status === null
          ? <strong class={statusClass(exchange)}>{STATES[state]}</strong>
          : (
            <strong class={statusClass(exchange)}>
              {status} {phraseOf({ status, reasonPhrase: response?.reasonPhrase })}
            </strong>
          )}
        <span>{duration === null ? "open" : durationText(duration)}</span>
        {status !== null && state !== "complete" && state !== "open" && <span>{STATES[state]}
        </span>}
        <Sender exchange={exchange} />
        <time dateTime={arrived}>{clockText(arrived)}</time>
      </p>
      {reason !== null && <p class="trouble">{reason}</p>}
    </>
  );
}

function Sender({ exchange: { visitor, replayOf } }: { readonly exchange: Exchange }) {
  if (replayOf !== null) {
    return (
      <span>
        <span class="replayed" aria-hidden="true">↻</span> replay of{" "}
        <a href={fragmentOf({ id: replayOf, tab: "overview" })}>number {replayOf}</a>
      </span>
    );
  }
  return visitor === null ? null : (
    <span>
      from <code>{visitor}</code>
    </span>
  );
}

const STATES = {
  open: "no answer yet",
  complete: "complete",
  left: "the visitor left",
  failed: "failed",
} as const;
