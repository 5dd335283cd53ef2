import type { Field } from "../../../http/fields.ts";
import type { Exchange } from "../exchange.ts";
import { BodyView } from "./body_view.tsx";
import { FieldTable } from "./field_table.tsx";
import { statusName } from "./status_names.ts";

/** What the visitor sent. */
export function RequestTab({ exchange }: { readonly exchange: Exchange }) {
  const { target, request } = exchange;
  const parameters = parametersOf(target);
  return (
    <>
      {parameters.length > 0 && <FieldTable caption="Query" fields={parameters} />}
      <FieldTable caption="Fields" fields={request.fields} />
      <BodyView title="Body" body={request.body} />
      <Trailers fields={request.trailers} />
    </>
  );
}

/** What the service answered. */
export function ResponseTab({ exchange }: { readonly exchange: Exchange }) {
  const { interim = [], response, kind } = exchange;
  return (
    <>
      {interim.map(({ status, fields }, index) => (
        <FieldTable
          key={index}
          caption={`Interim ${status} ${statusName(status)}`.trim()}
          fields={fields}
        />
      ))}
      {response === null ? <p class="quiet">There is no answer yet.</p> : (
        <>
          <FieldTable caption="Fields" fields={response.fields} />
          {kind !== "websocket" && <BodyView title="Body" body={response.body} />}
          <Trailers fields={response.trailers} />
        </>
      )}
    </>
  );
}

/** What stood behind a body; most have none. */
function Trailers({ fields }: { readonly fields: readonly Field[] | undefined }) {
  return fields === undefined ? null : <FieldTable caption="Trailers" fields={fields} />;
}

function parametersOf(target: string): readonly Field[] {
  const at = target.indexOf("?");
  return at === -1 ? [] : [...new URLSearchParams(target.slice(at))];
}
