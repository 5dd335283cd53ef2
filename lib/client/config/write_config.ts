import { chmod, mkdir, realpath, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { ProgramError } from "../../cli/program.ts";
import { systemReason } from "../../net/system_reason.ts";
import { type ConfigFileOptions, readConfigText } from "./config_file.ts";
import { readConfig } from "./read_config.ts";
import { isMapping, YAMLText } from "./yaml_text.ts";

/** Settings of the whole client to write; null takes one out. */
export type Changes = Readonly<Record<string, string | null>>;

/**
 * Changes settings at the top of a config file, or makes the file, readable by its owner alone. What else stands in it
 * stays as it is, comments included.
 *
 * @throws {ProgramError} with status 2 for a file that cannot be changed.
 */
export async function writeConfig(
  { path, isNamed }: ConfigFileOptions,
  changes: Changes,
): Promise<void> {
  const text = await readConfigText({ path, isNamed }) ?? "";
  // It tells of a mistake before anything is written on top.
  readConfig(path, text);
  const changed = changedText(text, changes);
  if (changed === null) {
    const lines = Object.entries(changes).map(([name]) => name).join(" and ");
    throw new ProgramError(
      `cannot change ${path} without losing what is in it: write ${lines} there by hand`,
      2,
    );
  }
  try {
    if (!isNamed) await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await replace(path, changed);
  } catch (cause) {
    throw new ProgramError(`cannot write the config file ${path}: ${systemReason(cause)}`, 2, {
      cause,
    });
  }
}

/** Puts a text in the place of a file, whole or not at all; a link stays one. */
async function replace(path: string, text: string): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const draft = `${target}.${crypto.randomUUID()}`;
  try {
    await writeFile(draft, text, { flag: "wx", mode: 0o600 });
    await chmod(draft, 0o600);
    await rename(draft, target);
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * Returns a text with other settings at its top; null where it is written in such a way that its lines cannot be changed,
 * as JSON in one line.
 */
export function changedText(text: string, changes: Changes): string | null {
  let lines = text === "" ? [] : text.replace(/\n$/, "").split("\n");
  const added: string[] = [];
  for (const [name, value] of Object.entries(changes)) {
    const line = value === null ? [] : [`${name}: ${JSON.stringify(value)}`];
    const at = lines.findIndex((line) => new RegExp(`^["']?${name}["']?[ \\t]*:`).test(line));
    if (at === -1) added.push(...line);
    else lines = lines.toSpliced(at, lengthOf(lines, at), ...line);
  }
  // Behind the comment that a file begins with, which is about all of it.
  const start = lines.findIndex((line) => !/^(?:#|%|---)/.test(line));
  lines = lines.toSpliced(start === -1 ? lines.length : start, 0, ...added);
  const changed = lines.map((line) => `${line}\n`).join("");
  return isChanged(text, changed, changes) ? changed : null;
}

/** Counts the lines of a setting: what belongs to it is indented, or is an item of its list. */
function lengthOf(lines: readonly string[], at: number): number {
  const rest = lines.slice(at + 1);
  const end = rest.findIndex((line) => !/^(?:[ \t]+\S|- |[\]}])/.test(line));
  return 1 + (end === -1 ? rest.length : end);
}

/** Tells whether nothing but the changes tells two texts apart. */
function isChanged(before: string, after: string, changes: Changes): boolean {
  try {
    const wanted = new Map(Object.entries(membersOf(before)));
    for (const [name, value] of Object.entries(changes)) {
      if (value === null) wanted.delete(name);
      else wanted.set(name, value);
    }
    const found = membersOf(after);
    return wanted.size === Object.keys(found).length &&
      [...wanted].every(([name, value]) => JSON.stringify(found[name]) === JSON.stringify(value));
  } catch {
    return false;
  }
}

function membersOf(text: string): Readonly<Record<string, unknown>> {
  const { root } = new YAMLText(text);
  return isMapping(root) ? root : {};
}
