/** Colours by the parameters of Select Graphic Rendition (ECMA-48 section 8.3.117). */
const COLOURS: ReadonlyMap<string, string> = new Map([
  ["31", "#ff7b72"],
  ["32", "#7ee787"],
  ["33", "#e3b341"],
  ["36", "#79c0ff"],
]);

/** Returns a screen as tmux captures it, with its colours, as HTML. */
export function terminalHTML(screen: string): string {
  let html = "";
  let colour = "";
  let weight = "";
  // deno-lint-ignore no-control-regex
  for (const part of screen.split(/(\x1b\[[0-9;]*m)/)) {
    // deno-lint-ignore no-control-regex
    const codes = /^\x1b\[([0-9;]*)m$/.exec(part)?.[1]?.split(";");
    if (codes === undefined) {
      const text = part.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
      html += `<span style="${colour}${weight}">${text}</span>`;
      continue;
    }
    for (const code of codes) {
      if (code === "" || code === "0") colour = weight = "";
      else if (code === "1") weight = "font-weight:700;";
      else if (code === "2") weight = "opacity:.6;";
      else if (code === "22") weight = "";
      else colour = COLOURS.has(code) ? `color:${COLOURS.get(code)};` : "";
    }
  }
  return html;
}
