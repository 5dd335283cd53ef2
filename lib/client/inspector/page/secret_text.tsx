import { useState } from "preact/hooks";
import { visible } from "./octet_text.ts";
import { DOTS, type TextPart } from "./secrets.ts";

/** A text whose secrets are covered until they are clicked, each by itself. */
export function SecretText({ parts }: { readonly parts: readonly TextPart[] }) {
  return (
    <>
      {parts.map(({ text, isSecret }, index) =>
        isSecret ? <Cover key={index} text={text} /> : visible(text)
      )}
    </>
  );
}

/** A secret: dots, or what they stand for. */
export function Cover({ text }: { readonly text: string }) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <button
      type="button"
      class={isOpen ? "secret is-open" : "secret"}
      aria-expanded={isOpen}
      aria-label={isOpen ? undefined : "A secret; press to show it"}
      title={isOpen ? "cover" : "show"}
      onClick={() => setIsOpen(!isOpen)}
    >
      {isOpen ? visible(text) : DOTS}
    </button>
  );
}
