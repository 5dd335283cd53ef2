import { useEffect, useRef, useState } from "preact/hooks";
import type { Banned, ListedTunnel } from "../operator_view.ts";
import { type Act, ban, butText } from "./admin_calls.ts";
import { countText, SHORT, shortName } from "./amounts.ts";

/** Characters of a reason, as the server takes them. */
const MAX_REASON = 100;

export interface BanDialogProps {
  readonly tunnel: ListedTunnel;
  readonly onAct: Act;
  readonly onClose: () => void;
}

/** Asks whom to keep away of those who are behind a tunnel, and why. */
export function BanDialog({ tunnel, onAct, onClose }: BanDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [chosen, setChosen] = useState(0);
  const [reason, setReason] = useState("");
  useEffect(() => dialog.current?.showModal(), []);
  const choices = choicesFor(tunnel);
  const send = async (event: Event) => {
    event.preventDefault();
    const banned = choices[chosen];
    if (banned === undefined) return;
    onClose();
    await onAct(async () => {
      const done = await ban(banned, reason);
      const ended = countText(done.ended, "connection");
      return `${shortOf(banned)} is banned; ${ended} ended.${butText(done)}`;
    });
  };
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="ban-title">
      <form onSubmit={send}>
        <h2 id="ban-title">Ban {shortName(tunnel)}</h2>
        <fieldset>
          <legend class="hidden">Who is kept away</legend>
          {choices.map((choice, i) => (
            <label key={choice.value} class="choice">
              <input
                type="radio"
                name="banned"
                checked={i === chosen}
                onChange={() => setChosen(i)}
              />
              <span>
                {choice.kind === "key" ? "Its key, wherever it comes from" : "All clients from"}
                <code>{choice.value}</code>
              </span>
            </label>
          ))}
        </fieldset>
        <label for="ban-reason">Reason, for you alone</label>
        <input
          id="ban-reason"
          value={reason}
          maxLength={MAX_REASON}
          onInput={({ currentTarget }) => setReason(currentTarget.value)}
        />
        <p class="quiet">It holds until you lift it, also after a restart.</p>
        <p class="answers">
          <button type="button" onClick={() => dialog.current?.close()}>Cancel</button>
          <button type="submit" class="danger main">Ban</button>
        </p>
      </form>
    </dialog>
  );
}

function choicesFor({ key, connections }: ListedTunnel): readonly Banned[] {
  const networks = new Set(connections.map(({ address }) => networkFor(address)));
  return [
    { kind: "key", value: key },
    ...[...networks].map((value) => ({ kind: "network" as const, value })),
  ];
}

/** The last half of an IPv6 address is the sender's choice. */
function networkFor(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail = ""] = address.split("::");
  const heads = head.split(":").filter((group) => group !== "");
  const tails = tail.split(":").filter((group) => group !== "");
  const zeros = address.includes("::") ? Array(8 - heads.length - tails.length).fill("0") : [];
  return `${[...heads, ...zeros, ...tails].slice(0, 4).join(":")}::/64`;
}

function shortOf({ kind, value }: Banned): string {
  return kind === "key" ? `The key ${value.slice(0, SHORT)}` : value;
}
