/** What opens a URL in the user's browser, by system. */
const OPENERS: Readonly<Partial<Record<typeof Deno.build.os, readonly string[]>>> = {
  darwin: ["open"],
  windows: ["rundll32", "url.dll,FileProtocolHandler"],
};

/**
 * Opens a URL in the user's browser; returns whether there was a program for it. It comes from a server, and a URL of
 * another scheme than those of the web could start any program.
 */
export async function openInBrowser(url: string): Promise<boolean> {
  if (!/^https?:\/\//.test(url)) return false;
  const [program = "", ...args] = OPENERS[Deno.build.os] ?? ["xdg-open"];
  try {
    const child = new Deno.Command(program, {
      args: [...args, url],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    return (await child.status).success;
  } catch {
    return false;
  }
}
