import { useState } from "preact/hooks";
import { sizeText } from "../../../cli/measures.ts";
import type { ListedNode, ListedTunnel } from "../operator_view.ts";
import { nodeName } from "../reach_text.ts";
import { type Act, butText, disconnect } from "./admin_calls.ts";
import { countText, SHORT, shortName, sinceText } from "./amounts.ts";
import { BanDialog } from "./ban_dialog.tsx";
import { placeOf, rateText, type VisitRates } from "./visit_rates.ts";

export interface TunnelTableProps {
  readonly tunnels: readonly ListedTunnel[];
  /** The servers that they are on; none for one that is alone. */
  readonly nodes: readonly ListedNode[];
  readonly rates: VisitRates;
  /** Whether these are what a search has found. */
  readonly isSearch: boolean;
  readonly onAct: Act;
}

/** Lists tunnels: a table, and on a telephone one card for each. */
export function TunnelTable({ tunnels, nodes, rates, isSearch, onAct }: TunnelTableProps) {
  const [banned, setBanned] = useState<ListedTunnel | null>(null);
  if (tunnels.length === 0) {
    return (
      <p class="empty quiet">
        {isSearch ? "Nothing that is connected has that in it." : "Nobody is connected."}
      </p>
    );
  }
  const names = new Map(nodes.map((node) => [node.id, nodeName(node)]));
  return (
    <>
      <table class="tunnels">
        <thead>
          <tr>
            <th scope="col">Tunnel</th>
            <th scope="col">Key</th>
            <th scope="col">From</th>
            <th scope="col">Since</th>
            <th scope="col" class="number">Requests/s</th>
            <th scope="col" class="number">Requests</th>
            <th scope="col" class="number">Refused</th>
            <th scope="col" class="number">Open</th>
            <th scope="col" class="number">Bytes in, out</th>
            <th scope="col">
              <span class="hidden">Acts</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tunnels.map((tunnel) => (
            <TunnelRow
              key={placeOf(tunnel)}
              tunnel={tunnel}
              node={names.size > 1 ? names.get(tunnel.node ?? "") : undefined}
              rate={rates.get(placeOf(tunnel))?.rate}
              onAct={onAct}
              onBan={() => setBanned(tunnel)}
            />
          ))}
        </tbody>
      </table>
      {banned !== null && (
        <BanDialog
          tunnel={banned}
          onAct={onAct}
          onClose={() => setBanned(null)}
        />
      )}
    </>
  );
}

interface TunnelRowProps {
  readonly tunnel: ListedTunnel;
  /** What the server is called that it is on; nothing where there is one alone. */
  readonly node: string | undefined;
  readonly rate: number | null | undefined;
  readonly onAct: Act;
  readonly onBan: () => void;
}

function TunnelRow({ tunnel, node, rate, onAct, onBan }: TunnelRowProps) {
  const { id, hostnames, key, comment, connections, streams, bytes, visits, since } = tunnel;
  const shown = shortName(tunnel);
  const addresses = [...new Set(connections.map(({ address }) => address))];
  const leave = () =>
    onAct(async () => {
      const done = await disconnect(id);
      const ended = countText(done.ended, "connection");
      return `${shown} is disconnected, with ${ended}. It may come back.${butText(done)}`;
    });
  return (
    <tr>
      <th scope="row" data-label="Tunnel">
        <span class="name" title={id}>{shown}</span>
        <span class="hosts quiet">
          {hostnames.filter((name) => !name.startsWith(id)).join(", ")}
        </span>
        {node !== undefined && <span class="node quiet">on {node}</span>}
      </th>
      <td data-label="Key" class="key">
        <code title={key}>{key.slice(0, SHORT)}</code>
        {comment !== "" && <span class="comment">{comment}</span>}
      </td>
      <td data-label="From">
        {addresses.map((address) => <div key={address}>{address}</div>)}
        {connections.length > 1 && (
          <span class="quiet count">{countText(connections.length, "connection")}</span>
        )}
      </td>
      <td data-label="Since">
        <time dateTime={since} title={since}>{sinceText(since)}</time>
      </td>
      <td data-label="Requests/s" class="number">{rateText(rate)}</td>
      <td data-label="Requests" class="number">{visits.requests.toLocaleString("en")}</td>
      <td data-label="Refused" class={visits.refused > 0 ? "number status-4" : "number"}>
        {visits.refused.toLocaleString("en")}
      </td>
      <td data-label="Open" class="number">{streams}</td>
      <td data-label="Bytes in, out" class="number bytes">
        {sizeText(bytes.sent)}, {sizeText(bytes.received)}
      </td>
      <td class="acts">
        <button type="button" onClick={leave} aria-label={`Disconnect ${shown}`}>Disconnect</button>
        <button type="button" class="danger" onClick={onBan} aria-label={`Ban ${shown} …`}>
          Ban …
        </button>
      </td>
    </tr>
  );
}
