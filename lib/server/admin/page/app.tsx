import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { type AdminView, CallError, logOut, messageOf, readView } from "./admin_calls.ts";
import type { TunnelPage } from "../operator_view.ts";
import { missingText, nodeName } from "../reach_text.ts";
import { BanList } from "./ban_list.tsx";
import { LoginForm } from "./login_form.tsx";
import { TunnelTable } from "./tunnel_table.tsx";
import { nextRates, type VisitRates } from "./visit_rates.ts";

/** Milliseconds between two looks: a person reads no faster, and the answers are small. */
const INTERVAL = 2_000;

/** Tunnels that are shown more each time. */
const STEP = 100;

/** Tunnels in one answer of the server. */
const MOST = 1_000;

/** The whole page: who is connected, who is banned, and what an operator can do about it. */
export function App() {
  const [isIn, setIn] = useState<boolean | null>(null);
  const [view, setView] = useState<AdminView | null>(null);
  const [rates, setRates] = useState<VisitRates>(new Map());
  const [search, setSearch] = useState("");
  const [limit, setLimit] = useState(STEP);
  const [tab, setTab] = useState<"tunnels" | "bans">("tunnels");
  const [said, setSaid] = useState("");
  const [trouble, setTrouble] = useState<string | null>(null);
  const look = useRef(0);

  const refresh = useCallback(async () => {
    // An answer that comes behind a later one is old.
    const mine = ++look.current;
    try {
      const next = await readView({ search, limit });
      if (mine !== look.current) return;
      setIn(true);
      setTrouble(null);
      setView(next);
      setRates((before) => nextRates(before, next.tunnels, performance.now()));
    } catch (error) {
      if (mine !== look.current) return;
      if (error instanceof CallError && error.status === 401) setIn(false);
      else setTrouble(messageOf(error));
    }
  }, [search, limit]);

  useEffect(() => {
    void refresh();
    if (isIn === false) return;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") void refresh();
    }, INTERVAL);
    return () => clearInterval(timer);
  }, [refresh, isIn]);

  const act = useCallback(async (what: () => Promise<string>) => {
    try {
      setSaid(await what());
    } catch (error) {
      setSaid(`Not done: ${messageOf(error)}.`);
    }
    await refresh();
  }, [refresh]);

  if (isIn === false) return <LoginForm onLogin={refresh} />;
  if (view === null) return <p class="wait quiet">{trouble ?? "Looking who is there …"}</p>;
  const { tunnels, bans } = view;
  return (
    <div class="admin">
      <header class="top">
        <h1>tunnel admin</h1>
        <span class="host quiet">{location.host}</span>
        <nav class="chips" aria-label="Lists">
          <button
            type="button"
            class="chip"
            aria-pressed={tab === "tunnels"}
            onClick={() => setTab("tunnels")}
          >
            Tunnels {tunnels.total}
          </button>
          <button
            type="button"
            class="chip"
            aria-pressed={tab === "bans"}
            onClick={() => setTab("bans")}
          >
            Bans {bans.length}
          </button>
        </nav>
        <label class="search">
          <span class="hidden">Search tunnels</span>
          <input
            type="search"
            placeholder="name, key, address, comment"
            value={search}
            onInput={({ currentTarget }) => {
              setSearch(currentTarget.value);
              setTab("tunnels");
            }}
          />
        </label>
        <button type="button" onClick={() => void logOut().catch(() => {}).then(refresh)}>
          Log out
        </button>
      </header>
      <main>
        {tab === "tunnels"
          ? (
            <TunnelTable
              tunnels={tunnels.tunnels}
              nodes={tunnels.nodes}
              rates={rates}
              isSearch={search.trim() !== ""}
              onAct={act}
            />
          )
          : <BanList bans={bans} onAct={act} />}
        {tab === "tunnels" && tunnels.next !== null && (
          <p class="more">
            <button type="button" onClick={() => setLimit(Math.min(limit + STEP, MOST))}>
              {limit < MOST ? `Show ${STEP} more` : "Search to see the others"}
            </button>
          </p>
        )}
      </main>
      <footer>
        <span class={trouble === null ? "quiet" : "trouble"} role="status">
          {trouble === null ? said : `${trouble}; trying again`}
        </span>
        <Nodes page={tunnels} />
      </footer>
    </div>
  );
}

/** Says which servers this is of, and which of them is missing. */
function Nodes({ page }: { readonly page: TunnelPage }) {
  const missing = missingText(page);
  if (missing !== "") return <span class="trouble">{missing}: this is not all</span>;
  const { nodes } = page;
  const names = nodes.length > 1
    ? `${nodes.length} nodes: ${nodes.map(nodeName).join(", ")}; `
    : "";
  return <span class="quiet">{names}looked at every 2 s</span>;
}
