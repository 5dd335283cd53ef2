import { useState } from "preact/hooks";
import {
  type Exchange,
  type SignatureCheck,
  WEBHOOK_SCHEMES,
  type WebhookScheme,
} from "../exchange.ts";
import { checkSignature, messageOf } from "./inspector_calls.ts";

/** Checks the signature of a webhook with a secret. */
export function WebhookTab(
  { exchange: { id, webhook, request } }: { readonly exchange: Exchange },
) {
  const [scheme, setScheme] = useState<WebhookScheme>(webhook ?? "hmac");
  const [secret, setSecret] = useState(secrets.get(scheme) ?? "");
  const [field, setField] = useState("");
  const [result, setResult] = useState<SignatureCheck | string | null>(null);
  const check = async (event: Event) => {
    event.preventDefault();
    secrets.set(scheme, secret);
    try {
      const chosen = scheme === "hmac" && field !== "" ? { field } : {};
      setResult(await checkSignature(id, { secret, scheme, ...chosen }));
    } catch (error) {
      setResult(messageOf(error));
    }
  };
  return (
    <form class="webhook" onSubmit={check}>
      <p>
        {webhook === null
          ? "The fields of this request speak of no signature that is known. Choose who signed it:"
          : `The fields speak of a signature as ${SCHEMES[webhook].name} makes it.`}
      </p>
      <label>
        Signed by
        <select
          value={scheme}
          onChange={({ currentTarget }) => {
            const chosen = WEBHOOK_SCHEMES.find((name) => name === currentTarget.value);
            if (chosen === undefined) return;
            setScheme(chosen);
            setSecret(secrets.get(chosen) ?? "");
            setResult(null);
          }}
        >
          {WEBHOOK_SCHEMES.map((name) => (
            <option key={name} value={name}>{SCHEMES[name].name}</option>
          ))}
        </select>
      </label>
      <label>
        Secret
        <input
          type="password"
          value={secret}
          required
          autocomplete="off"
          placeholder={SCHEMES[scheme].example}
          onInput={({ currentTarget }) => setSecret(currentTarget.value)}
        />
      </label>
      {scheme === "hmac" && (
        <label>
          Field
          <select value={field} onChange={({ currentTarget }) => setField(currentTarget.value)}>
            <option value="">the first that looks like one</option>
            {[...new Set(request.fields.map(([name]) => name))].map((name) => (
              <option key={name} value={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
      <button type="submit" class="main">Check</button>
      <p class="quiet">
        The secret goes to the client on this machine alone, and is forgotten with this page.
      </p>
      <div role="status">{result !== null && <Result result={result} />}</div>
    </form>
  );
}

/** Secrets that were typed into this page, so that the next webhook is checked with one click. */
const secrets = new Map<WebhookScheme, string>();

const SCHEMES: Readonly<
  Record<WebhookScheme, { readonly name: string; readonly example: string }>
> = {
  github: { name: "GitHub", example: "the secret of the webhook" },
  stripe: { name: "Stripe", example: "whsec_…" },
  slack: { name: "Slack", example: "the signing secret of the app" },
  shopify: { name: "Shopify", example: "the client secret of the app" },
  standard: { name: "Standard Webhooks", example: "whsec_…" },
  hmac: { name: "a plain HMAC", example: "the key" },
};

function Result({ result }: { readonly result: SignatureCheck | string }) {
  if (typeof result === "string") return <p class="verdict is-wrong">{result}</p>;
  const { isRight, message, age, field } = result;
  return (
    <>
      <p class={isRight ? "verdict is-right" : "verdict is-wrong"}>
        <strong>{isRight ? "✓ right" : "✗ not right"}</strong> {message}
      </p>
      {(field !== null || age !== null) && (
        <p class="quiet">
          {[field, age === null ? null : `${age.toFixed(1)} s old on arrival`]
            .filter((word) => word !== null).join(" · ")}
        </p>
      )}
    </>
  );
}
