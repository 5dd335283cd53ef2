import { realpathSync, type Stats, statSync } from "node:fs";
import { opendir, realpath, stat } from "node:fs/promises";
import { sep as SEPARATOR } from "node:path";
import { ProgramError } from "../../../cli/program.ts";
import { systemCode, systemReason } from "../../../net/system_reason.ts";
import { arePublic, type FolderPath } from "./folder_path.ts";

/** What a path leads to. */
export type Found =
  | { readonly kind: "file"; readonly path: string; readonly info: Stats }
  | { readonly kind: "folder" }
  /** Nothing is there. */
  | { readonly kind: "missing" }
  /** Something is there that is not published. */
  | { readonly kind: "refused" };

/** One file or folder in a folder. */
export interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
  /** In bytes. */
  readonly size: number;
}

const MISSING: Found = { kind: "missing" };
const REFUSED: Found = { kind: "refused" };

/** A folder whose files are published, and nothing beside it: links are followed as long as they stay in it. */
export class Folder {
  /** Without links. */
  readonly #root: string;

  /** Takes the path of a folder. @throws {ProgramError} with status 2 when there is none that can be read. */
  constructor(path: string) {
    this.#root = realFolder(path);
  }

  async find({ names }: Pick<FolderPath, "names">): Promise<Found> {
    try {
      const path = await realpath([this.#root, ...names].join(SEPARATOR));
      if (!this.#isPublished(path)) return REFUSED;
      const info = await stat(path);
      if (info.isDirectory()) return { kind: "folder" };
      // To open a device or a pipe may never end, and may do something.
      return info.isFile() ? { kind: "file", path, info } : REFUSED;
    } catch (error) {
      if (NOT_THERE.has(systemCode(error))) return MISSING;
      if (CLOSED.has(systemCode(error))) return REFUSED;
      throw error;
    }
  }

  /** Reads what is published in a folder, so many entries at most, folders first and by name. */
  async list(names: readonly string[], most: number): Promise<FolderEntry[]> {
    const entries: FolderEntry[] = [];
    for await (const { name } of await opendir([this.#root, ...names].join(SEPARATOR))) {
      if (entries.length === most) break;
      if (!arePublic([...names, name])) continue;
      const found = await this.find({ names: [...names, name] });
      if (found.kind === "file") entries.push({ name, isFolder: false, size: found.info.size });
      else if (found.kind === "folder") entries.push({ name, isFolder: true, size: 0 });
    }
    const order = new Intl.Collator("en", { numeric: true });
    return entries.sort((a, b) =>
      Number(b.isFolder) - Number(a.isFolder) || order.compare(a.name, b.name)
    );
  }

  /** Whether a path without links lies in the folder, under names that may be published. */
  #isPublished(path: string): boolean {
    if (path === this.#root) return true;
    const before = this.#root.endsWith(SEPARATOR) ? this.#root : this.#root + SEPARATOR;
    return path.startsWith(before) && arePublic(path.slice(before.length).split(SEPARATOR));
  }
}

/** Nothing there, a file in the place of a folder, a name that is too long, links in a circle. */
const NOT_THERE: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ELOOP"]);
const CLOSED: ReadonlySet<string> = new Set(["EACCES", "EPERM"]);

function realFolder(path: string): string {
  const message = `cannot publish the folder ${path}`;
  let isFolder: boolean;
  let real: string;
  try {
    real = realpathSync.native(path);
    isFolder = statSync(real).isDirectory();
  } catch (cause) {
    const isMissing = NOT_THERE.has(systemCode(cause));
    const reason = isMissing ? "there is no such folder" : systemReason(cause);
    throw new ProgramError(`${message}: ${reason}`, 2, { cause });
  }
  if (!isFolder) throw new ProgramError(`${message}: it is a file`, 2);
  return real;
}
