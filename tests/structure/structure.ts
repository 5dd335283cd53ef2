import { DRAWING_MARK, drawingOf, readSourceGraph } from "./source_graph.ts";

const DOCUMENT = new URL("../../.github/ARCHITECTURE.md", import.meta.url);

/** The fenced block with the drawing; what is before and behind it is kept. */
const BLOCK = new RegExp(
  "(?<=```mermaid\\n)flowchart TD\\n\\s*" + DRAWING_MARK + "\\n[^`]*(?=```)",
);

/** Returns the drawing that stands in ARCHITECTURE.md. */
export async function readDrawing(): Promise<string> {
  const drawing = BLOCK.exec(await Deno.readTextFile(DOCUMENT))?.[0];
  if (drawing === undefined) throw new Error("ARCHITECTURE.md has no drawing of the folders");
  return drawing;
}

/** Puts a drawing into ARCHITECTURE.md, in the place of the one before. */
async function writeDrawing(drawing: string): Promise<void> {
  await readDrawing();
  const document = await Deno.readTextFile(DOCUMENT);
  await Deno.writeTextFile(DOCUMENT, document.replace(BLOCK, () => drawing));
}

if (import.meta.main) {
  const drawing = drawingOf(await readSourceGraph());
  await writeDrawing(drawing);
  console.log(drawing);
}
