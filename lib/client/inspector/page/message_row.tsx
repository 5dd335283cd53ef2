import { useState } from "preact/hooks";
import type { ExchangeMessage } from "../exchange.ts";
import { durationText, sizeText } from "../../../cli/measures.ts";
import { HexDump } from "./body_content.tsx";
import { bodyKindOf } from "./body_kind.ts";
import { CopyButton } from "./copy_button.tsx";
import { JSONTree } from "./json_tree.tsx";
import { octetsOf, visible } from "./octet_text.ts";
import { SecretText } from "./secret_text.tsx";
import { coveredText, textParts } from "./secrets.ts";

/** Characters of a message that its line has; the rest is a click away. */
const LINE = 300;

/** One message: a line, and its content when it is opened. */
export function MessageRow({ message }: { readonly message: ExchangeMessage }) {
  const [isOpen, setIsOpen] = useState(false);
  const { from, at, size, isWhole } = message;
  return (
    <li class={`message from-${from}`}>
      <button type="button" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
        <span class="arrow" aria-hidden="true">{from === "visitor" ? "↑" : "↓"}</span>
        <span class="hidden">{from === "visitor" ? "from the visitor" : "from the service"}</span>
        <span class="kind">{kindText(message)}</span>
        <span class="line">{messageLine(message)}</span>
        <span class="quiet">{sizeText(size)}</span>
        <span class="quiet at">+{durationText(at)}</span>
      </button>
      {isOpen && (
        <div class="message-content">
          <MessageContent message={message} />
          {!isWhole && <p class="quiet cut">The rest of it was not kept.</p>}
        </div>
      )}
    </li>
  );
}

function MessageContent({ message }: { readonly message: ExchangeMessage }) {
  if (message.kind === "binary") return <HexDump octets={octetsOf(atob(message.base64))} />;
  const { text, isWhole } = message;
  return (
    <>
      {message.kind === "event" && message.eventId !== "" && (
        <p class="quiet">id {visible(message.eventId)}</p>
      )}
      <CopyButton what="the message" text={text} />
      {isWhole && bodyKindOf(null, text) === "json"
        ? <JSONTree text={text} isWhole={isWhole} />
        : <pre class="code"><SecretText parts={textParts(text)} /></pre>}
    </>
  );
}

function kindText(message: ExchangeMessage): string {
  if (message.kind === "event") return visible(message.event);
  return message.kind === "text" ? "" : message.kind;
}

/** Writes the beginning of a message as one line, with its secrets covered. */
export function messageLine(message: ExchangeMessage): string {
  if (message.kind === "binary") {
    const octets = octetsOf(atob(message.base64.slice(0, 64)));
    return [...octets].map((octet) => octet.toString(16).padStart(2, "0")).join(" ");
  }
  const start = coveredText(textParts(message.text.slice(0, LINE))).replaceAll(/\s+/g, " ");
  return visible(message.kind === "close" ? `${message.code} ${start}` : start);
}
