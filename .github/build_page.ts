import { ProgramError, runProgram } from "../lib/cli/program.ts";

/** A file of the inspector's page as it is served. */
interface BuiltFile {
  readonly type: string;
  readonly text: string;
}

const ROOT = new URL("../", import.meta.url);

const PAGE = new URL("lib/client/inspector/page/", ROOT);

/** What the client imports: all files of the page in one, by their paths. */
export const BUILT_PAGE = new URL("lib/client/inspector/built_page.json", ROOT);

/** In the order in which they are put behind each other. */
const STYLES = ["base.css", "list.css", "detail.css", "content.css"] as const;

/** The licence of what is bundled asks for its notice. */
const NOTICE = "/* With Preact, (c) 2015-present Jason Miller, MIT: https://preactjs.com */\n";

/** Makes the text of {@linkcode BUILT_PAGE} from the sources of the page. */
export async function buildPage(): Promise<string> {
  const styles = await Promise.all(STYLES.map((name) => read(name)));
  const files: Readonly<Record<string, BuiltFile>> = {
    "/": { type: "text/html; charset=utf-8", text: await read("index.html") },
    "/app.css": { type: "text/css; charset=utf-8", text: styles.join("\n") },
    "/app.js": { type: "text/javascript; charset=utf-8", text: NOTICE + await bundle() },
  };
  return `${JSON.stringify(files, null, 2)}\n`;
}

async function read(name: string): Promise<string> {
  return await Deno.readTextFile(new URL(name, PAGE));
}

async function bundle(): Promise<string> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--frozen", "--platform", "browser", "--minify", "main.tsx"],
    cwd: PAGE,
    stderr: "inherit",
  }).output();
  if (!success) throw new ProgramError("deno bundle could not make the page's script");
  return new TextDecoder().decode(stdout);
}

if (import.meta.main) {
  await runProgram(async () => {
    await Deno.writeTextFile(BUILT_PAGE, await buildPage());
    return 0;
  });
}
