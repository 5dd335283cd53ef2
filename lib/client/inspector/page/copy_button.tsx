import { useEffect, useState } from "preact/hooks";
import { messageOf } from "./inspector_calls.ts";

/** Milliseconds for which a button says what it has done: long enough to be read. */
const SAID = 2000;

export interface CopyButtonProps {
  /** Names what is copied, for those who do not see the button's place. */
  readonly what: string;
  /** The text, or where to get it from when it is wanted. */
  readonly text: string | (() => string | Promise<string>);
  /** @default "copy" */
  readonly label?: string;
}

/** Copies a text, and says so. */
export function CopyButton({ what, text, label = "copy" }: CopyButtonProps) {
  const [said, setSaid] = useState<string | null>(null);
  useEffect(() => {
    if (said === null) return;
    const timer = setTimeout(() => setSaid(null), SAID);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async () => {
    try {
      await writeClipboard(typeof text === "string" ? text : await text());
      setSaid("copied");
    } catch (error) {
      setSaid(`not copied: ${messageOf(error)}`);
    }
  };
  return (
    <button type="button" class="copy" onClick={copy} aria-label={said ?? `${label} ${what}`}>
      <span aria-live="polite">{said ?? label}</span>
    </button>
  );
}

/** A page that is not on this machine and has no HTTPS may not use the clipboard but by a selection. */
async function writeClipboard(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return await navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  if (!isCopied) throw new Error("this browser does not allow it");
}
