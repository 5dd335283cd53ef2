import { pathOf } from "../../../http/target.ts";
import { percentEncoded } from "../../../http/octets.ts";

/** The one name with a dot that is meant to be published (RFC 8615). */
const WELL_KNOWN = ".well-known";

/** A path below a folder, as a visitor asks for it. */
export interface FolderPath {
  readonly names: readonly string[];
  /** Whether it ends with a slash, as those of folders do. */
  readonly isFolder: boolean;
}

/**
 * Reads the path of a request's target, or returns null for one that leads to no file that is published: names with a
 * dot before them, names that climb or that a file system reads as something else, and an encoding that is broken.
 *
 * Each name is looked at alone and decoded once, so that nothing can turn into a separator later.
 */
export function readFolderPath(target: string, isWindows: boolean): FolderPath | null {
  const path = pathOf(target);
  if (!path.startsWith("/")) return null;
  const encoded = percentEncoded(path.slice(1)).split("/");
  const isFolder = encoded.at(-1) === "";
  if (isFolder) encoded.pop();
  const names: string[] = [];
  for (const text of encoded) {
    const name = decoded(text);
    if (name === null || !isPublic(name, names.length) || !isPlain(name, isWindows)) return null;
    names.push(name);
  }
  return { names, isFolder };
}

/** Whether all names of a path, from the folder on, may be published. */
export function arePublic(names: readonly string[]): boolean {
  return names.every(isPublic);
}

function isPublic(name: string, depth: number): boolean {
  return name !== "" && (!name.startsWith(".") || (depth === 0 && name === WELL_KNOWN));
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** What no name has: separators of any system, and control characters. */
// deno-lint-ignore no-control-regex
const NEVER = /[/\\\x00-\x1f\x7f]/;

/** What Windows reads as a stream of a file, a drive, a pattern or another name, a device included. */
const NEVER_ON_WINDOWS =
  /[:*?"<>|]|[. ]$|^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:\.|$)/i;

function isPlain(name: string, isWindows: boolean): boolean {
  return !NEVER.test(name) && !(isWindows && NEVER_ON_WINDOWS.test(name));
}
