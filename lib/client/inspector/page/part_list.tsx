import { sizeText } from "../../../cli/measures.ts";
import { BodyContent } from "./body_content.tsx";
import { bodyKindOf, bodyTextOf, LOOKS } from "./body_kind.ts";
import { type BodyPart, partsOf } from "./multipart.ts";
import { visible } from "./octet_text.ts";
import { Cover } from "./secret_text.tsx";
import { isSecretName } from "./secrets.ts";

export interface PartListProps {
  readonly type: string;
  readonly octets: Uint8Array<ArrayBuffer>;
}

/** The parts of a multipart body, each as its own type wants it. */
export function PartList({ type, octets }: PartListProps) {
  const parts = partsOf(octets, type);
  if (parts === null) return <p class="trouble">The type names no boundary between the parts.</p>;
  if (parts.length === 0) return <p class="trouble">The boundary does not appear in the body.</p>;
  return (
    <ol class="parts">
      {parts.map((part, index) => (
        <li key={index}>
          <h4>
            {visible(part.name === "" ? `part ${index + 1}` : part.name)}{" "}
            <span class="quiet">{aboutPart(part)}</span>
          </h4>
          <PartContent part={part} />
        </li>
      ))}
    </ol>
  );
}

function aboutPart({ fileName, type, octets, isWhole }: BodyPart): string {
  const words = [fileName, type, sizeText(octets.length), isWhole ? null : "cut"];
  return visible(words.filter((word) => word !== null).join(" · "));
}

function PartContent({ part: { name, type, octets, isWhole } }: { readonly part: BodyPart }) {
  const text = bodyTextOf(type, octets);
  if (text !== null && isSecretName(name)) return <Cover text={text} />;
  const kind = bodyKindOf(type, text);
  // A part is no body that the client could show by itself, and what is in parts of parts stays text.
  const [first] = LOOKS[kind];
  const inner = first === "parts" ? "text" : first === "image" ? "hex" : first;
  return (
    <BodyContent
      look={text === null ? "hex" : inner ?? "hex"}
      kind={kind}
      octets={octets}
      text={text ?? ""}
      isWhole={isWhole}
      preview={null}
    />
  );
}
