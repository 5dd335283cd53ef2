/** A file of the inspector's page. */
export interface PageFile {
  readonly type: string;
  readonly text: string;
}

/** The files of the page by their paths; they are part of the program, which asks no disk for them. */
export const PAGE_FILES: ReadonlyMap<string, PageFile> = new Map([
  ["/", {
    type: "text/html; charset=utf-8",
    text: `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>tunnel inspector</title>
<meta name="viewport" content="width=device-width">
<h1>tunnel inspector</h1>
<ol reversed id="exchanges"></ol>
<script type="module" src="/page.js"></script>
</html>
`,
  }],
  ["/page.js", {
    type: "text/javascript; charset=utf-8",
    text: `const list = document.getElementById("exchanges");
const items = new Map();
function show({ id, method, target, status, state }) {
  const item = items.get(id) ?? document.createElement("li");
  item.textContent = method + " " + target + " " + (status ?? state);
  if (!items.has(id)) list.prepend(item);
  items.set(id, item);
}
const events = new EventSource("/api/events");
events.onopen = async () => {
  const { exchanges } = await (await fetch("/api/exchanges?limit=1000")).json();
  exchanges.reverse().forEach(show);
};
events.addEventListener("exchanges", ({ data }) => JSON.parse(data).forEach(show));
events.addEventListener("removed", ({ data }) => {
  for (const id of JSON.parse(data).ids) {
    items.get(id)?.remove();
    items.delete(id);
  }
});
`,
  }],
]);
