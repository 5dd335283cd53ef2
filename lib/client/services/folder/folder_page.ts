import type { Folder, FolderEntry } from "./folder.ts";

/** Entries that a page shows at most: more than anybody reads, and 1 MiB of page. */
const MAX_ENTRIES = 5_000;

/** Makes the page that lists what is published in a folder. */
export async function folderPage(folder: Folder, names: readonly string[]): Promise<string> {
  const entries = await folder.list(names, MAX_ENTRIES);
  const title = `/${names.map((name) => `${name}/`).join("")}`;
  const rows = [
    ...names.length === 0 ? [] : ['<tr><td><a href="../">../</a><td>'],
    ...entries.map(row),
    ...entries.length < MAX_ENTRIES ? [] : [`<tr><td>and more than ${MAX_ENTRIES} entries<td>`],
  ];
  return `<!doctype html>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>${escapeText(title)}</title>
<style>body { font: 1rem/1.6 system-ui; margin: 2rem } td + td { text-align: right; padding-left: 2rem }</style>
<h1>${escapeText(title)}</h1>
<table>
${rows.join("\n")}
</table>
`;
}

function row({ name, isFolder, size }: FolderEntry): string {
  const slash = isFolder ? "/" : "";
  const href = `./${encodeURIComponent(name)}${slash}`;
  const shown = isFolder ? "" : size.toLocaleString("en");
  return `<tr><td><a href="${escapeText(href)}">${escapeText(name)}${slash}</a><td>${shown}`;
}

function escapeText(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
