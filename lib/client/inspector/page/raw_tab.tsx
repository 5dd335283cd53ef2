import type { Field } from "../../../http/fields.ts";
import type { BodyInfo, Exchange } from "../exchange.ts";
import { sizeText } from "../../../cli/measures.ts";
import { HexDump } from "./body_content.tsx";
import { CopyButton } from "./copy_button.tsx";
import { readKept } from "./inspector_calls.ts";
import { useLoaded } from "./use_loaded.ts";
import { fieldText, textOfPart } from "./octet_text.ts";
import { SecretText } from "./secret_text.tsx";
import { isSecretName, targetParts, type TextPart, textParts } from "./secrets.ts";
import { phraseOf } from "./status_names.ts";

/** Characters of a body that are shown as they came; the tabs of request and response show all of it. */
const MAX_TEXT = 100_000;

/** Request and answer as they are written on the wire of HTTP/1.1, with nothing undone. */
export function RawTab({ exchange }: { readonly exchange: Exchange }) {
  const { method, target, request, response } = exchange;
  const requestLine: TextPart[] = [
    { text: `${method} `, isSecret: false },
    ...targetParts(target),
    { text: " HTTP/1.1\n", isSecret: false },
  ];
  return (
    <>
      <RawSide title="Request" start={requestLine} fields={request.fields} body={request.body} />
      {response !== null && (
        <RawSide
          title="Response"
          start={[{
            text: `HTTP/1.1 ${response.status} ${phraseOf(response)}\n`,
            isSecret: false,
          }]}
          fields={response.fields}
          body={response.body}
        />
      )}
    </>
  );
}

interface RawSideProps {
  readonly title: string;
  readonly start: readonly TextPart[];
  readonly fields: readonly Field[];
  readonly body: BodyInfo;
}

function RawSide({ title, start, fields, body }: RawSideProps) {
  const { href, kept, isComplete } = body;
  const { value: bytes, trouble } = useLoaded(
    () => href === null || kept === 0 ? Promise.resolve(null) : readKept(href),
    [href, kept, isComplete],
  );
  const text = bytes === null ? "" : textOfPart(bytes.octets);
  const head = [...start, ...fields.flatMap(fieldParts), { text: "\n", isSecret: false }];
  return (
    <section class="body" aria-label={title}>
      <header class="body-head">
        <h3>{title}</h3>
        <span class="actions">
          <CopyButton
            what={title.toLowerCase()}
            text={head.map((part) => part.text).join("") + (text ?? "")}
          />
        </span>
      </header>
      {trouble !== null && <p class="trouble">{trouble}</p>}
      <pre class="code"><SecretText parts={head} />{text !== null && <SecretText parts={textParts(text.slice(0, MAX_TEXT))} />}</pre>
      {text === null && bytes !== null && <HexDump octets={bytes.octets} />}
      {kept < body.size && (
        <p class="quiet cut">The first {sizeText(kept)} of {sizeText(body.size)} were kept.</p>
      )}
    </section>
  );
}

function fieldParts([name, raw]: Field): readonly TextPart[] {
  const value = fieldText(raw);
  return [
    { text: `${name}: `, isSecret: false },
    ...(isSecretName(name) ? [{ text: value, isSecret: value !== "" }] : textParts(value)),
    { text: "\n", isSecret: false },
  ];
}
