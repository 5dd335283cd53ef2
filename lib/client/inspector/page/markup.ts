/** Lines that are made of a text at most; a longer one is shown as far as they go. */
const MAX_LINES = 20_000;

/** Levels that are indented; deeper ones stand at the last. */
const MAX_INDENT = 40;

/** Indents XML or HTML: each element that holds others gets lines of its own. */
export function indentMarkup(text: string, isHTML: boolean): string {
  const lines: string[] = [];
  let depth = 0;
  const put = (line: string): void => {
    if (line !== "") lines.push("  ".repeat(Math.min(depth, MAX_INDENT)) + line);
  };
  const tokens = [...tokensOf(text, isHTML)];
  for (let at = 0; at < tokens.length && lines.length < MAX_LINES; at++) {
    const token = tokens[at] ?? "";
    const [, slash, name = ""] = TAG.exec(token) ?? [];
    if (name === "") {
      put(token.trim());
      continue;
    }
    if (slash === "/") {
      depth = Math.max(0, depth - 1);
      put(token);
      continue;
    }
    if (isClosed(token, name, isHTML)) {
      put(token);
      continue;
    }
    const short = shortElement(tokens, at, name);
    put(short ?? token);
    if (short === null) depth++;
    else at += tokens[at + 1]?.startsWith("</") ? 1 : 2;
  }
  if (lines.length >= MAX_LINES) lines.push("…");
  return lines.join("\n");
}

/** Divides a text into tags, comments, and what stands between; what a script or a text area holds stays whole. */
function* tokensOf(text: string, isHTML: boolean): Generator<string> {
  const lower = isHTML ? text.toLowerCase() : "";
  let at = 0;
  for (;;) {
    const from = text.indexOf("<", at);
    const end = from === -1 ? -1 : tokenEnd(text, from);
    // Behind a tag that never ends there are no others.
    if (end === -1) break;
    if (from > at) yield text.slice(at, from);
    const token = text.slice(from, end);
    yield token;
    at = end;
    const [, slash, name = ""] = TAG.exec(token) ?? [];
    if (!isHTML || slash === "/" || !RAW.has(name.toLowerCase())) continue;
    const rawEnd = lower.indexOf(`</${name.toLowerCase()}`, at);
    if (rawEnd === -1) break;
    if (rawEnd > at) yield text.slice(at, rawEnd);
    at = rawEnd;
  }
  if (at < text.length) yield text.slice(at);
}

/** Returns where the tag, comment or section that begins here is over; -1 where it is not. */
function tokenEnd(text: string, from: number): number {
  const [, close = ">"] = CLOSES.find(([open]) => text.startsWith(open, from)) ?? [];
  const at = text.indexOf(close, from);
  return at === -1 ? -1 : at + close.length;
}

const CLOSES = [["<!--", "-->"], ["<![CDATA[", "]]>"]] as const;

/** An element with a text or nothing in it, on one line. */
function shortElement(tokens: readonly string[], at: number, name: string): string | null {
  const [open = "", first = "", second = ""] = tokens.slice(at, at + 3);
  const close = `</${name}>`;
  if (first === close) return open + close;
  if (second !== close || first.startsWith("<") || first.includes("\n")) return null;
  return open + first.trim() + close;
}

function isClosed(token: string, name: string, isHTML: boolean): boolean {
  return token.endsWith("/>") || (isHTML && VOID.has(name.toLowerCase()));
}

const TAG = /^<(\/?)([a-zA-Z][^\s/>]*)/;

const RAW: ReadonlySet<string> = new Set(["script", "style", "textarea", "pre"]);

/** Elements of HTML that have no end. */
const VOID: ReadonlySet<string> = new Set(
  "area base br col embed hr img input link meta source track wbr".split(" "),
);
