import type { Field } from "../../../http/fields.ts";
import type { Exchange } from "../exchange.ts";
import { BodyView } from "./body_view.tsx";
import { FieldTable } from "./field_table.tsx";

/** What the visitor sent. */
export function RequestTab({ exchange }: { readonly exchange: Exchange }) {
  const { target, request } = exchange;
  const parameters = parametersOf(target);
  return (
    <>
      {parameters.length > 0 && <FieldTable caption="Query" fields={parameters} />}
      <FieldTable caption="Fields" fields={request.fields} />
      <BodyView title="Body" body={request.body} />
    </>
  );
}

/** What the service answered. */
export function ResponseTab({ exchange }: { readonly exchange: Exchange }) {
  const { response, kind } = exchange;
  if (response === null) return <p class="quiet">There is no answer yet.</p>;
  return (
    <>
      <FieldTable caption="Fields" fields={response.fields} />
      {kind !== "websocket" && <BodyView title="Body" body={response.body} />}
    </>
  );
}

function parametersOf(target: string): readonly Field[] {
  const at = target.indexOf("?");
  return at === -1 ? [] : [...new URLSearchParams(target.slice(at))];
}
