import { useState } from "preact/hooks";
import { type Exchange, MAX_REPLAY_TIMES } from "../exchange.ts";
import { sizeText } from "../../../cli/measures.ts";
import { editableOf, type EditableRequest, replayRequestOf } from "./editable_request.ts";
import { messageOf, readDecoded } from "./inspector_calls.ts";
import { useLoaded } from "./use_loaded.ts";
import { utf8Of } from "./octet_text.ts";
import type { PageModel } from "./page_model.ts";

export interface ReplayEditorProps {
  readonly model: PageModel;
  readonly exchange: Exchange;
}

/** Changes a request before it is sent again. */
export function ReplayEditor({ model, exchange }: ReplayEditorProps) {
  const [edited, setEdited] = useState(() => editableOf(exchange));
  const [trouble, setTrouble] = useState<string | null>(null);
  const change = (part: Partial<EditableRequest>) => setEdited((now) => ({ ...now, ...part }));
  const send = async (event: Event) => {
    event.preventDefault();
    try {
      setTrouble(null);
      const isSent = await model.replay(exchange.id, replayRequestOf(exchange, edited));
      if (!isSent) setTrouble(model.notice);
    } catch (error) {
      setTrouble(messageOf(error));
    }
  };
  return (
    <form class="editor" onSubmit={send}>
      <div class="line">
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
      <label>
        Fields, one a line
        <textarea
          class="fields-text"
          rows={Math.min(10, edited.fields.split("\n").length + 1)}
          value={edited.fields}
          spellcheck={false}
          onInput={({ currentTarget }) => change({ fields: currentTarget.value })}
        />
      </label>
      <BodyEditor
        exchange={exchange}
        body={edited.body}
        change={(body) => change({ body })}
      />
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
        <button type="button" onClick={() => setEdited(editableOf(exchange))}>As it was</button>
      </div>
      {trouble !== null && <p class="trouble" role="alert">{trouble}</p>}
    </form>
  );
}

interface BodyEditorProps {
  readonly exchange: Exchange;
  readonly body: string | null;
  readonly change: (body: string | null) => void;
}

/** Edits a body that is text; another one stays as it was, or is replaced by text. */
function BodyEditor({ exchange: { request }, body, change }: BodyEditorProps) {
  const { href, size } = request.body;
  const { value: bytes, trouble } = useLoaded(
    () => href === null || size === 0 ? Promise.resolve(null) : readDecoded(href),
    [href, size],
  );
  const text = bytes === null ? "" : utf8Of(bytes.octets);
  const isWhole = size === 0 || (bytes?.isWhole ?? false);
  const wrong = body === null ? null : jsonTrouble(request.body.type, body);
  return (
    <label>
      <span>
        Body <span class="quiet">{aboutBody(size, text, isWhole, body !== null)}</span>
      </span>
      <textarea
        class="body-text"
        rows={10}
        value={body ?? text ?? ""}
        spellcheck={false}
        placeholder={text === null ? "What is typed here replaces the bytes." : ""}
        onInput={({ currentTarget }) => change(currentTarget.value)}
      />
      {(trouble ?? wrong) !== null && <span class="hint">{trouble ?? wrong}</span>}
    </label>
  );
}

function aboutBody(size: number, text: string | null, isWhole: boolean, isNew: boolean): string {
  if (isNew) return "as typed";
  if (size === 0) return "none";
  if (!isWhole) return `${sizeText(size)}, not kept whole: type the one to send`;
  return text === null ? `${sizeText(size)} that are not text, sent as they were` : "as it was";
}

/** Warns of a body that is not what its type says; it is sent all the same. */
function jsonTrouble(type: string | null, body: string): string | null {
  if (body === "" || !/[/+]json\b/.test(type ?? "")) return null;
  try {
    JSON.parse(body);
    return null;
  } catch (error) {
    return `This is not JSON, and can be sent all the same. ${messageOf(error)}`;
  }
}
