import { useState } from "preact/hooks";
import { sizeText } from "../../../cli/measures.ts";
import type { BodyKind, BodyLook } from "./body_kind.ts";
import { FieldTable } from "./field_table.tsx";
import { hexLines } from "./hex_lines.ts";
import { JSONTree } from "./json_tree.tsx";
import { indentMarkup } from "./markup.ts";
import { latin1Of } from "./octet_text.ts";
import { SecretText } from "./secret_text.tsx";
import { textParts } from "./secrets.ts";

/** Characters of a text that are drawn at once; a browser gets slow with more. */
const TEXT_STEP = 100_000;

/** Bytes of a dump that are drawn at once: some screens. */
const HEX_STEP = 4096;

export interface BodyContentProps {
  readonly look: Exclude<BodyLook, "parts">;
  readonly kind: BodyKind;
  readonly octets: Uint8Array<ArrayBuffer>;
  /** Empty where the octets are not UTF-8. */
  readonly text: string;
  readonly isWhole: boolean;
  /** Where the client shows the body by itself; null for a body within another. */
  readonly preview: string | null;
}

/** The content of a body in one of its looks. Whatever was recorded is text here, never markup of this page. */
export function BodyContent(props: BodyContentProps) {
  const { look, kind, octets, text, isWhole, preview } = props;
  switch (look) {
    case "tree":
      return <JSONTree text={text} isWhole={isWhole} />;
    case "fields":
      return <FieldTable caption="Form" fields={formFields(text)} />;
    case "image":
      return preview === null
        ? null
        : <img class="shown" src={preview} alt="The body as an image" />;
    case "page":
      // Neither scripts nor forms, and an origin of its own; the client forbids it to load anything.
      return preview === null ? null : (
        <>
          <iframe class="shown" sandbox="" src={preview} title="The body as a page"></iframe>
          <p class="quiet">Without scripts, and without anything that it would load.</p>
        </>
      );
    case "text":
      return (
        <LongText
          text={kind === "html" || kind === "xml" ? indentMarkup(text, kind === "html") : text}
        />
      );
    case "hex":
      return <HexDump octets={octets} />;
  }
}

/** Reads a form; its names and values go on as octets, as fields have them. */
function formFields(text: string) {
  return [...new URLSearchParams(text)].map(([name, value]) =>
    [name, latin1Of(new TextEncoder().encode(value))] as const
  );
}

function LongText({ text }: { readonly text: string }) {
  const [length, setLength] = useState(TEXT_STEP);
  return (
    <>
      <pre class="code"><SecretText parts={textParts(text.slice(0, length))} /></pre>
      {length < text.length && (
        <button type="button" onClick={() => setLength(length + TEXT_STEP)}>
          {(text.length - length).toLocaleString("en")} more characters
        </button>
      )}
    </>
  );
}

/** Any octets at all. */
export function HexDump({ octets }: { readonly octets: Uint8Array }) {
  const [length, setLength] = useState(HEX_STEP);
  return (
    <>
      <pre class="code hex">{hexLines(octets.subarray(0, length))}</pre>
      {length < octets.length && (
        <button type="button" onClick={() => setLength(4 * length)}>
          {sizeText(octets.length - length)} more
        </button>
      )}
    </>
  );
}
