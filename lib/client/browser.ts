import { platform } from "node:os";
import { SYSTEM_RUNTIME } from "../cli/system_runtime.ts";

/** What opens a URL in the user's browser, by system. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/**
 * Opens a URL in the user's browser; returns whether there was a program for it. It comes from a server, and a URL of
 * another scheme than those of the web could start any program.
 */
export async function openInBrowser(url: string): Promise<boolean> {
  if (!/^https?:\/\//.test(url)) return false;
  const [program = "", ...args] = OPENERS[platform()] ?? ["xdg-open"];
  try {
    return await SYSTEM_RUNTIME.run(program, [...args, url]);
  } catch {
    return false;
  }
}
