import type { TunnelState } from "../exchange.ts";
import { CopyButton } from "./copy_button.tsx";
import type { PageModel } from "./page_model.ts";

/** Says which tunnels there are, and how they are. */
export function TunnelBar({ model }: { readonly model: PageModel }) {
  const { tunnel, trouble } = model.feed;
  const hasNames = tunnel?.servers.some((server) => server.tunnel !== "") ?? false;
  return (
    <div class="tunnel">
      <h1>
        tunnel <span class="quiet">inspector</span>
      </h1>
      {(tunnel?.servers ?? []).map(({ tunnel: name, service, server, state, url, reason }) => (
        <p key={`${name} ${server}`} class="server" title={hasNames ? `to ${service}` : undefined}>
          <span class={`dot is-${state}`} aria-hidden="true"></span>
          {name !== "" && (
            <button
              type="button"
              title="Show its requests alone"
              onClick={() => model.setFilter({ ...model.filter, text: `${name}:` })}
            >
              {name}
            </button>
          )}
          {url === null ? <span>{server}</span> : (
            <>
              <a href={url} target="_blank" rel="noreferrer">{withoutScheme(url)}</a>
              <CopyButton what="the public URL" text={url} />
            </>
          )}
          <span class="quiet">{STATES[state]}{reason === null ? "" : `: ${reason}`}</span>
        </p>
      ))}
      {tunnel !== null && !hasNames && (
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
