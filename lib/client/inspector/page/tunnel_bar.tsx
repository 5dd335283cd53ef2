import type { TunnelState } from "../exchange.ts";
import { CopyButton } from "./copy_button.tsx";
import type { PageModel } from "./page_model.ts";

/** Says which tunnel this is, and how it is. */
export function TunnelBar({ model }: { readonly model: PageModel }) {
  const { tunnel, trouble } = model.feed;
  return (
    <div class="tunnel">
      <h1>
        tunnel <span class="quiet">inspector</span>
      </h1>
      {(tunnel?.servers ?? []).map(({ server, state, url, reason }) => (
        <p key={server} class="server">
          <span class={`dot is-${state}`} aria-hidden="true"></span>
          {url === null ? <span>{server}</span> : (
            <>
              <a href={url} target="_blank" rel="noreferrer">{withoutScheme(url)}</a>
              <CopyButton what="the public URL" text={url} />
            </>
          )}
          <span class="quiet">{STATES[state]}{reason === null ? "" : `: ${reason}`}</span>
        </p>
      ))}
      {tunnel !== null && (
        <p class="quiet service">
          to <code>{withoutScheme(tunnel.service)}</code>
        </p>
      )}
      {trouble !== null && <p class="trouble" role="alert">{trouble}</p>}
    </div>
  );
}

type State = TunnelState["servers"][number]["state"];

const STATES: Readonly<Record<State, string>> = {
  connecting: "connecting",
  online: "connected",
  leaving: "moving to another server",
  offline: "not connected",
};

function withoutScheme(url: string): string {
  return url.replace(/^https?:\/\//, "").replace(/\/$/, "");
}
