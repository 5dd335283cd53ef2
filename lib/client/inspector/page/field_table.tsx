import type { Field } from "../../../http/fields.ts";
import { useState } from "preact/hooks";
import { CopyButton } from "./copy_button.tsx";
import { fieldText, visible } from "./octet_text.ts";
import { SecretText } from "./secret_text.tsx";
import { fieldParts } from "./secrets.ts";

export interface FieldTableProps {
  /** Says what these are. */
  readonly caption: string;
  readonly fields: readonly Field[];
}

/** Rows that are drawn at once: a form may have a hundred thousand. */
const STEP = 500;

/** Names and values in the order in which they came. */
export function FieldTable({ caption, fields }: FieldTableProps) {
  const [shown, setShown] = useState(STEP);
  return (
    <table class="fields">
      <caption>
        {caption} <span class="quiet">{fields.length}</span>
      </caption>
      <tbody>
        {fields.slice(0, shown).map(([name, value], index) => (
          <FieldRow key={index} name={name} value={fieldText(value)} />
        ))}
      </tbody>
      {shown < fields.length && (
        <tfoot>
          <tr>
            <td colSpan={2}>
              <button type="button" onClick={() => setShown(shown + STEP)}>
                {(fields.length - shown).toLocaleString("en")} more
              </button>
            </td>
          </tr>
        </tfoot>
      )}
    </table>
  );
}

function FieldRow({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <tr>
      <th scope="row">{visible(name)}</th>
      <td>
        <bdi>
          <SecretText parts={fieldParts(name, value)} />
        </bdi>
        <CopyButton what={name} text={value} />
      </td>
    </tr>
  );
}
