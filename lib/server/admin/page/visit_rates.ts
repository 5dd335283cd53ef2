import type { ListedTunnel, TunnelPage } from "../operator_view.ts";

/** What was counted of one tunnel when it was last looked at. */
interface Look {
  readonly requests: number;
  /** Milliseconds of a monotonic clock. */
  readonly at: number;
  /** Requests a second between the last two looks; null at the first. */
  readonly rate: number | null;
}

/** Requests a second of each tunnel on each node, from one look at the list to the next. */
export type VisitRates = ReadonlyMap<string, Look>;

/** Returns the rates after another look; of tunnels that are not in it nothing is kept. */
export function nextRates(before: VisitRates, { tunnels }: TunnelPage, at: number): VisitRates {
  return new Map(tunnels.map((tunnel) => {
    const { requests } = tunnel.visits;
    const place = placeOf(tunnel);
    const last = before.get(place);
    // A tunnel that came anew counts from zero.
    const grown = last === undefined || requests < last.requests ? null : requests - last.requests;
    const seconds = last === undefined ? 0 : (at - last.at) / 1000;
    return [place, { requests, at, rate: grown === null || seconds <= 0 ? null : grown / seconds }];
  }));
}

/** Tells a tunnel on one node from the same one on another. */
export function placeOf({ id, node }: Pick<ListedTunnel, "id" | "node">): string {
  return node === null ? id : `${id} ${node}`;
}

/** Writes a rate: 0, 0.4, 12. */
export function rateText(rate: number | null | undefined): string {
  if (rate === null || rate === undefined) return "–";
  return rate > 0 && rate < 9.95 ? rate.toFixed(1) : String(Math.round(rate));
}
