import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Exchange, ExchangeMessage } from "../exchange.ts";
import { countText } from "./amounts.ts";
import { messageOf, readMessages } from "./inspector_calls.ts";
import { MessageRow } from "./message_row.tsx";

/** Messages that are shown: as many as the client keeps. */
const MAX_SHOWN = 1000;

/** Pixels from the end within which a list of messages goes on with what comes. */
const AT_END = 40;

/** Messages of a WebSocket or events of a stream, as they come. */
export function MessagesTab({ exchange }: { readonly exchange: Exchange }) {
  const { kind, state, messages: counts } = exchange;
  const total = (counts?.fromVisitor ?? 0) + (counts?.fromService ?? 0);
  const { messages, trouble } = useMessages(exchange, total);
  const [text, setText] = useState("");
  const end = useRef<HTMLParagraphElement>(null);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    const panel = end.current?.closest(".panel");
    if (panel === null || panel === undefined) return;
    const look = () => {
      const left = panel.scrollHeight - panel.scrollTop - panel.clientHeight;
      isAtEnd.current = left < AT_END;
    };
    panel.addEventListener("scroll", look);
    return () => panel.removeEventListener("scroll", look);
  }, []);
  // Only a list that shows its end goes on to the new one: nobody who reads further up is moved.
  useLayoutEffect(() => {
    if (isAtEnd.current) end.current?.scrollIntoView({ block: "end" });
  }, [messages]);
  const wanted = text.toLowerCase();
  const shown = wanted === ""
    ? messages
    : messages.filter((message) => contentOf(message).toLowerCase().includes(wanted));
  const lost = messages[0]?.index ?? 0;
  return (
    <section class="messages">
      <header>
        <input
          type="search"
          placeholder="find in messages"
          aria-label="Find in messages"
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
        <span class="quiet">
          {wanted === "" ? "" : `${shown.length} of `}
          {countText(total, kind === "events" ? "event" : "message")}
          {lost > 0 && `, the first ${lost.toLocaleString("en")} are not kept any more`}
        </span>
      </header>
      {trouble !== null && <p class="trouble" role="alert">{trouble}</p>}
      <ol aria-label="Messages" aria-live="off">
        {shown.map((message) => <MessageRow key={message.index} message={message} />)}
      </ol>
      <p class="quiet" ref={end}>
        {state === "open" ? "More may come." : "That was the last one."}
      </p>
    </section>
  );
}

/**
 * Reads what is new whenever the count has grown, and at the end, for a close is not counted; one call at a time,
 * however fast they come.
 */
function useMessages({ id, state: exchangeState }: Exchange, total: number) {
  const [messages, setMessages] = useState<readonly ExchangeMessage[]>([]);
  const [trouble, setTrouble] = useState<string | null>(null);
  const state = useRef({ last: null as number | null, isReading: false, isWanted: false });
  useEffect(() => {
    const { current } = state;
    current.isWanted = true;
    if (current.isReading) return;
    current.isReading = true;
    const read = async () => {
      while (current.isWanted) {
        current.isWanted = false;
        const page = await readMessages(id, current.last);
        current.last = page.messages.at(-1)?.index ?? current.last;
        if (page.messages.length === 0) continue;
        // Behind a page that was full there is more.
        current.isWanted ||= (current.last ?? 0) < page.total - 1;
        setMessages((known) => [...known, ...page.messages].slice(-MAX_SHOWN));
      }
    };
    read().then(() => setTrouble(null), (error) => setTrouble(messageOf(error)))
      .finally(() => current.isReading = false);
  }, [id, total, exchangeState]);
  return { messages, trouble };
}

function contentOf(message: ExchangeMessage): string {
  if (message.kind === "binary") return "";
  return message.kind === "event" ? `${message.event}\n${message.text}` : message.text;
}
