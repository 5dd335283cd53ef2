import { useState } from "preact/hooks";
import { type Exchange, MAX_REPLAY_TIMES } from "../exchange.ts";
import { countText } from "./amounts.ts";
import { BodyEditor } from "./body_editor.tsx";
import {
  covered,
  editableOf,
  type EditableRequest,
  replayRequestOf,
  uncovered,
} from "./editable_request.ts";
import { messageOf } from "./inspector_calls.ts";
import type { PageModel } from "./page_model.ts";
import { DOTS } from "./secrets.ts";

export interface ReplayEditorProps {
  readonly model: PageModel;
  readonly exchange: Exchange;
}

/** Changes a request before it is sent again; what was begun is kept until it is sent. */
export function ReplayEditor({ model, exchange }: ReplayEditorProps) {
  const { id, kind, messages } = exchange;
  const { drafts } = model;
  const [edited, setEdited] = useState(() => {
    const draft = drafts.get(id);
    return draft === undefined ? editableOf(exchange) : covered(exchange, draft);
  });
  const [trouble, setTrouble] = useState<string | null>(null);
  const change = (part: Partial<EditableRequest>) => {
    const now = { ...edited, ...part };
    drafts.keep(id, now);
    setEdited(now);
  };
  const startAnew = () => {
    drafts.drop(id);
    setEdited(editableOf(exchange));
  };
  const send = async (event: Event) => {
    event.preventDefault();
    try {
      setTrouble(null);
      const isSent = await model.replay(id, replayRequestOf(exchange, edited));
      if (isSent) drafts.drop(id);
      else setTrouble(model.notice);
    } catch (error) {
      setTrouble(messageOf(error));
    }
  };
  const isCovered = edited.target.includes(DOTS) || edited.fields.includes(DOTS);
  const isWebSocket = kind === "websocket";
  return (
    <form class="editor" onSubmit={send}>
      <div class="line">
        {!isWebSocket && (
          <label>
            Method
            <input
              class="method"
              value={edited.method}
              required
              spellcheck={false}
              autocomplete="off"
              onInput={({ currentTarget }) => change({ method: currentTarget.value })}
            />
          </label>
        )}
        <label class="wide">
          Target
          <input
            value={edited.target}
            required
            spellcheck={false}
            autocomplete="off"
            onInput={({ currentTarget }) => change({ target: currentTarget.value })}
          />
        </label>
      </div>
      <div class="fields-editor">
        <label for={FIELDS_ID}>Fields, one a line</label>
        {isCovered && (
          <button
            type="button"
            class="quiet"
            onClick={() => setEdited(uncovered(exchange, edited))}
          >
            show what is covered
          </button>
        )}
        <textarea
          id={FIELDS_ID}
          class="fields-text"
          rows={Math.min(10, edited.fields.split("\n").length + 1)}
          value={edited.fields}
          spellcheck={false}
          onInput={({ currentTarget }) => change({ fields: currentTarget.value })}
        />
      </div>
      {isWebSocket
        ? (
          <p class="quiet">
            {countText(messages?.fromVisitor ?? 0, "message")}{" "}
            from the visitor: sent as they were, in their order.
          </p>
        )
        : <BodyEditor exchange={exchange} body={edited.body} change={(body) => change({ body })} />}
      <div class="line sending">
        <label>
          Times
          <input
            type="number"
            min={1}
            max={MAX_REPLAY_TIMES}
            value={edited.times}
            onInput={({ currentTarget: { valueAsNumber: times } }) => {
              // A field that is empty is about to get another number.
              if (Number.isInteger(times)) change({ times });
            }}
          />
        </label>
        <button type="submit" class="main">Send</button>
        <button type="button" onClick={startAnew}>As it was</button>
      </div>
      {trouble !== null && <p class="trouble" role="alert">{trouble}</p>}
    </form>
  );
}

const FIELDS_ID = "edited-fields";
