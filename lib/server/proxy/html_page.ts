import { accepts } from "@std/http/negotiation";
import { type Field, fieldValue } from "../../http/fields.ts";

/** A part of a page: a paragraph, one that is less in the fore, or lines to copy. */
export type PagePart =
  | { readonly text: string }
  | { readonly aside: string }
  | { readonly code: string }
  | { readonly form: PageForm };

/** A form of a page. */
export interface PageForm {
  /** The path that it is sent to. */
  readonly action: string;
  readonly inputs: readonly PageInput[];
  /** What is sent beside them. */
  readonly hidden: Readonly<Record<string, string>>;
  /** What its button says. */
  readonly submit: string;
}

export interface PageInput {
  readonly name: string;
  readonly label: string;
  readonly type: "text" | "password";
  /** What a browser may fill in (HTML, autofill). */
  readonly autocomplete: string;
}

export interface HTMLPage {
  readonly title: string;
  readonly parts: readonly PagePart[];
  /** A small line at the end. */
  readonly footer: string;
}

/** The fields of a page: nothing in it is loaded from elsewhere or run, and no other page may show it in a frame. */
export const PAGE_FIELDS: readonly Field[] = [
  ["cache-control", "no-store"],
  ["x-content-type-options", "nosniff"],
  [
    "content-security-policy",
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
  ],
];

/** Returns a page of the server's own as HTML. */
export function htmlPage({ title, parts, footer }: HTMLPage): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${parts.map(html).join("\n")}
</main>
<footer>${escapeHtml(footer)}</footer>
</body>
</html>
`;
}

/** Returns the same page as plain text, for those who do not ask for HTML. */
export function textPage({ title, parts, footer }: HTMLPage): string {
  const blocks = parts.map((part) => {
    if ("form" in part) return "Programs present them as RFC 7617 has it, with Basic.";
    if ("code" in part) return part.code.split("\n").map((line) => `    ${line}`).join("\n");
    return "text" in part ? part.text : part.aside;
  });
  return `${[title, ...blocks, footer].join("\n\n")}\n`;
}

/** Characters of Accept that are looked at: browsers send some two hundred, and 60 KB of types take 20 ms to weigh. */
const MAX_ACCEPT = 1024;

/**
 * Tells whether a request asks for HTML rather than for plain text, which is first: any type at all is what command-line
 * tools ask for, while browsers name HTML.
 */
export function prefersHTML(fields: readonly Field[]): boolean {
  const asked = fieldValue(fields, "accept");
  if (asked === undefined) return false;
  const accept = asked.length > MAX_ACCEPT ? wholeMembers(asked, MAX_ACCEPT) : asked;
  return accepts({ headers: new Headers({ accept }) }, "text/plain", "text/html") === "text/html";
}

/** Returns those first members of a list that end within so many characters. */
function wholeMembers(list: string, most: number): string {
  return list.slice(0, Math.max(0, list.lastIndexOf(",", most)));
}

// The inspector's page has the same colours.
const STYLE = ":root{color-scheme:light dark;--fg:#1b1f24;--dim:#59636e;--bg:#fff;--line:#d9dee3}" +
  "@media(prefers-color-scheme:dark){:root{--fg:#e3e8ed;--dim:#98a2ad;--bg:#14171a;--line:#2c3238}}" +
  "body{font:1rem/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);" +
  "max-width:38rem;margin:15vh auto 2rem;padding:0 1.25rem}" +
  "h1{font-size:1.4rem;line-height:1.3;margin:0 0 .75rem}" +
  "p{margin:.75rem 0;overflow-wrap:anywhere}.aside,footer{color:var(--dim)}" +
  "pre{font:.875rem/1.6 ui-monospace,monospace;margin:.75rem 0;padding:.6rem .8rem;" +
  "border:1px solid var(--line);border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere}" +
  "label{display:block;color:var(--dim);font-size:.875rem}" +
  "input{display:block;box-sizing:border-box;width:100%;max-width:20rem;margin-top:.25rem;padding:.5rem .6rem;" +
  "font:inherit;font-size:1rem;color:var(--fg);background:var(--bg);border:1px solid var(--line);border-radius:6px}" +
  "button{font:inherit;padding:.5rem 1rem;color:var(--bg);background:var(--fg);border:0;border-radius:6px}" +
  "footer{font-size:.8125rem;margin-top:1.5rem;padding-top:.75rem;border-top:1px solid var(--line)}";

function html(part: PagePart): string {
  if ("form" in part) return form(part.form);
  if ("code" in part) return `<pre tabindex="0">${escapeHtml(part.code)}</pre>`;
  return "text" in part
    ? `<p>${escapeHtml(part.text)}</p>`
    : `<p class="aside">${escapeHtml(part.aside)}</p>`;
}

function form({ action, inputs, hidden, submit }: PageForm): string {
  const shown = inputs.map(({ name, label, type, autocomplete }, index) =>
    `<p><label>${escapeHtml(label)}<input name="${name}" type="${type}" ` +
    `autocomplete="${autocomplete}" required${index === 0 ? " autofocus" : ""}></label></p>`
  );
  const others = Object.entries(hidden).map(([name, value]) =>
    `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`
  );
  return `<form method="post" action="${escapeHtml(action)}">
${[...shown, ...others].join("\n")}
<p><button>${escapeHtml(submit)}</button></p>
</form>`;
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&#39;"],
]);

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES.get(character) ?? "");
}
