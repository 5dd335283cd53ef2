import type { Ban } from "../operator_view.ts";
import { type Act, butText, unban } from "./admin_calls.ts";

/** Lists who is kept away. */
export function BanList({ bans, onAct }: { readonly bans: readonly Ban[]; readonly onAct: Act }) {
  if (bans.length === 0) return <p class="empty quiet">Nobody is banned.</p>;
  return (
    <table class="bans">
      <thead>
        <tr>
          <th scope="col">Who</th>
          <th scope="col">Reason</th>
          <th scope="col">Since</th>
          <th scope="col">
            <span class="hidden">Acts</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {bans.map((ban) => (
          <tr key={`${ban.kind} ${ban.value}`}>
            <th scope="row" data-label={ban.kind === "key" ? "Key" : "Network"}>
              <span class="quiet">{ban.kind}</span> <code>{ban.value}</code>
            </th>
            <td data-label="Reason">{ban.reason === "" ? "–" : ban.reason}</td>
            <td data-label="Since">
              <time dateTime={ban.since}>{new Date(ban.since).toLocaleString("en-GB")}</time>
            </td>
            <td class="acts">
              <button
                type="button"
                aria-label={`Lift the ban of ${ban.value}`}
                onClick={() =>
                  onAct(async () => {
                    const done = await unban(ban);
                    return `${ban.value} may come back.${butText(done)}`;
                  })}
              >
                Lift
              </button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
