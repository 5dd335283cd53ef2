import { useState } from "preact/hooks";
import { sizeText } from "../../../cli/measures.ts";
import type { Exchange } from "../exchange.ts";
import { messageOf, readDecoded } from "./inspector_calls.ts";
import { utf8Of } from "./octet_text.ts";
import { coveredText, textParts } from "./secrets.ts";
import { useLoaded } from "./use_loaded.ts";

export interface BodyEditorProps {
  readonly exchange: Exchange;
  /** Null while it stays as it was. */
  readonly body: string | null;
  readonly change: (body: string) => void;
}

/** Edits a body that is text; another one stays as it was, or is replaced by text. One with secrets is covered until it is clicked. */
export function BodyEditor({ exchange: { request }, body, change }: BodyEditorProps) {
  const { href, size } = request.body;
  const { value: bytes, trouble } = useLoaded(
    () => href === null || size === 0 ? Promise.resolve(null) : readDecoded(href),
    [href, size],
  );
  const [isShown, setIsShown] = useState(false);
  const text = bytes === null ? "" : utf8Of(bytes.octets);
  const isWhole = size === 0 || (bytes?.isWhole ?? false);
  const wrong = body === null ? null : jsonTrouble(request.body.type, body);
  const value = body ?? text ?? "";
  const parts = textParts(value);
  const isCovered = !isShown && parts.some(({ isSecret }) => isSecret);
  const show = () => setIsShown(true);
  return (
    <div class="body-editor">
      <label for={BODY_ID}>
        <span>
          Body <span class="quiet">{aboutBody(size, text, isWhole, body !== null)}</span>
        </span>
      </label>
      {isCovered && <button type="button" class="quiet" onClick={show}>show and edit</button>}
      <textarea
        id={BODY_ID}
        class="body-text"
        rows={10}
        value={isCovered ? coveredText(parts) : value}
        readOnly={isCovered}
        spellcheck={false}
        placeholder={text === null ? "What is typed here replaces the bytes." : ""}
        onClick={show}
        onInput={({ currentTarget }) => {
          // What is being typed is not covered under the hands.
          show();
          change(currentTarget.value);
        }}
      />
      {(trouble ?? wrong) !== null && <span class="hint">{trouble ?? wrong}</span>}
    </div>
  );
}

const BODY_ID = "edited-body";

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
