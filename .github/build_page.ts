import { ProgramError, runProgram } from "../lib/cli/program.ts";

/** A file of a page as it is served. */
interface BuiltFile {
  readonly type: string;
  readonly text: string;
}

/** A page that a program has in it. */
export interface BuiltPage {
  /** The folder of its sources. */
  readonly sources: URL;
  /** What the program imports: all files of the page in one, by their paths. */
  readonly built: URL;
  /** Where its document is asked for. */
  readonly path: string;
  /** What its other files have before their names. */
  readonly folder: string;
  /** In the order in which they are put behind each other. */
  readonly styles: readonly string[];
}

const ROOT = new URL("../", import.meta.url);

/** Every page. */
export const PAGES: readonly BuiltPage[] = [
  {
    sources: new URL("lib/client/inspector/page/", ROOT),
    built: new URL("lib/client/inspector/built_page.json", ROOT),
    path: "/",
    folder: "/",
    styles: ["base.css", "list.css", "detail.css", "content.css"],
  },
  {
    sources: new URL("lib/server/admin/page/", ROOT),
    built: new URL("lib/server/admin/built_page.json", ROOT),
    path: "/admin",
    folder: "/admin/",
    // Colours and controls are the same as the inspector's.
    styles: ["../../../client/inspector/page/base.css", "admin.css"],
  },
];

/** The licence of what is bundled asks for its notice. */
const NOTICE = "/* With Preact, (c) 2015-present Jason Miller, MIT: https://preactjs.com */\n";

/** Makes the text of what the program imports from the sources of a page. */
export async function buildPage({ sources, path, folder, styles }: BuiltPage): Promise<string> {
  const read = (name: string) => Deno.readTextFile(new URL(name, sources));
  const style = await Promise.all(styles.map(read));
  const files: Readonly<Record<string, BuiltFile>> = {
    [path]: { type: "text/html; charset=utf-8", text: await read("index.html") },
    [`${folder}app.css`]: { type: "text/css; charset=utf-8", text: style.join("\n") },
    [`${folder}app.js`]: {
      type: "text/javascript; charset=utf-8",
      text: NOTICE + await bundle(sources),
    },
  };
  return `${JSON.stringify(files, null, 2)}\n`;
}

async function bundle(sources: URL): Promise<string> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--frozen", "--platform", "browser", "--minify", "main.tsx"],
    cwd: sources,
    stderr: "inherit",
  }).output();
  if (!success) throw new ProgramError("deno bundle could not make the page's script");
  return new TextDecoder().decode(stdout);
}

if (import.meta.main) {
  await runProgram(async () => {
    for (const page of PAGES) await Deno.writeTextFile(page.built, await buildPage(page));
    return 0;
  });
}
