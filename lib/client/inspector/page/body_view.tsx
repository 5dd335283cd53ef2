import { useState } from "preact/hooks";
import type { BodyInfo } from "../exchange.ts";
import { sizeText } from "../../../cli/measures.ts";
import { BodyContent } from "./body_content.tsx";
import { bodyKindOf, type BodyLook, bodyTextOf, LOOKS } from "./body_kind.ts";
import { CopyButton } from "./copy_button.tsx";
import { type BodyBytes, readDecoded } from "./inspector_calls.ts";
import { useLoaded } from "./use_loaded.ts";
import { PartList } from "./part_list.tsx";

/** Bytes of a body that is read to be shown as a tree or with indents; of a longer one the text is shown. */
const MAX_READ = 1024 * 1024;

export interface BodyViewProps {
  readonly title: string;
  readonly body: BodyInfo;
}

/** What was kept of a body, in the way that suits its type or in another one. */
export function BodyView({ title, body }: BodyViewProps) {
  const { href, kept, isComplete } = body;
  const { value: bytes, trouble } = useLoaded(
    () => href === null || kept === 0 ? Promise.resolve(null) : readDecoded(href),
    [href, kept, isComplete],
  );
  if (body.size === 0) return <p class="quiet">No body.</p>;
  return (
    <section class="body" aria-label={title}>
      {trouble !== null && <p class="trouble">{trouble}</p>}
      {bytes === null ? <h3>{title}</h3> : <LoadedBody title={title} body={body} bytes={bytes} />}
    </section>
  );
}

interface LoadedBodyProps extends BodyViewProps {
  readonly bytes: BodyBytes;
}

function LoadedBody({ title, body, bytes }: LoadedBodyProps) {
  const { type, encoding, href } = body;
  const text = bodyTextOf(type, bytes.octets);
  const kind = bodyKindOf(type, text);
  const isLong = bytes.octets.length > MAX_READ;
  const looks = LOOKS[kind].filter((look) =>
    look === "text" ? text !== null : !isLong || look !== "tree"
  );
  const [wanted, setWanted] = useState<BodyLook | null>(null);
  const look = looks.find((known) => known === wanted) ?? looks[0] ?? "hex";
  return (
    <>
      <header class="body-head">
        <h3>{title}</h3>
        <span class="quiet">
          {[type ?? "no type", amountText(body), encoding].filter((word) => word !== null)
            .join(" · ")}
        </span>
        <span class="actions">
          {looks.length > 1 && looks.map((known) => (
            <button
              key={known}
              type="button"
              class="chip"
              aria-pressed={known === look}
              onClick={() => setWanted(known)}
            >
              {known}
            </button>
          ))}
          {text !== null && <CopyButton what="the body" text={text} />}
          {href !== null && <a class="button" href={href} download>save</a>}
        </span>
      </header>
      {look === "parts" ? <PartList type={type ?? ""} octets={bytes.octets} /> : (
        <BodyContent
          look={look}
          kind={isLong ? "text" : kind}
          octets={bytes.octets}
          text={text ?? ""}
          isWhole={bytes.isWhole}
          preview={href?.replace(/body$/, "preview") ?? null}
        />
      )}
      {!bytes.isWhole && <p class="quiet cut">{cutText(body)}</p>}
    </>
  );
}

function amountText({ size, kept }: BodyInfo): string {
  return kept < size ? `${sizeText(kept)} of ${sizeText(size)}` : sizeText(size);
}

function cutText({ size, kept, isComplete }: BodyInfo): string {
  if (kept < size) return `The first ${sizeText(kept)} were kept; the rest passed on.`;
  return isComplete ? "The decoded body is longer than can be shown." : "The body is not over yet.";
}
