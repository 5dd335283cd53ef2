import { readFile, stat } from "node:fs/promises";
import { platform } from "node:os";
import { ProgramError } from "../../cli/program.ts";
import { systemCode, systemReason } from "../../net/system_reason.ts";
import type { Config } from "./config.ts";

/** Bytes of the largest file that is read: a hundred tunnels with all their settings have a tenth of it. */
const MAX_CONFIG_FILE = 256 * 1024;

/** Mode bits that let users other than the owner read a file. */
const READ_BY_OTHERS = 0o044;

export interface ConfigFileOptions {
  readonly path: string;
  /** Whether the owner named it, so that it has to be there. */
  readonly isNamed: boolean;
}

/** What was found in a config file. */
export interface LoadedConfig {
  /** null for the usual one, where there is none. */
  readonly config: Config | null;
  /** What is wrong with the protection of the file; null for nothing. */
  readonly warning: string | null;
}

/**
 * Reads a config file, which only has to be there when it was named.
 *
 * @throws {ProgramError} with status 2 for a file that cannot be read, or has a mistake in it.
 */
export async function loadConfigFile(
  { path, isNamed }: ConfigFileOptions,
): Promise<LoadedConfig> {
  const text = await readConfigText({ path, isNamed });
  if (text === null) {
    if (!isNamed) return { config: null, warning: null };
    throw new ProgramError(`there is no config file ${path}`, 2);
  }
  // The parser of YAML takes memory, which clients without a file should not need.
  const { readConfig } = await import("./read_config.ts");
  const config = readConfig(path, text);
  return { config, warning: config.hasSecrets ? await warningOf(path) : null };
}

/** Returns the text of a config file; null where there is none. @throws {ProgramError} for one that cannot be read. */
export async function readConfigText(
  { path, isNamed }: ConfigFileOptions,
): Promise<string | null> {
  let isThere = false;
  try {
    const { size } = await stat(path);
    isThere = true;
    if (size <= MAX_CONFIG_FILE) return await readFile(path, "utf8");
  } catch (cause) {
    const code = systemCode(cause) ?? "";
    // A daemon's home is often no folder, or one that it may not enter: nobody put a file there for it.
    const isAway = code === "ENOENT" || (!isNamed && !isThere && NO_HOME.has(code));
    if (isAway) return null;
    throw new ProgramError(`cannot read the config file ${path}: ${systemReason(cause)}`, 2, {
      cause,
    });
  }
  throw new ProgramError(`the config file ${path} is larger than ${MAX_CONFIG_FILE} bytes`, 2);
}

const NO_HOME: ReadonlySet<string> = new Set(["ENOTDIR", "EACCES"]);

async function warningOf(path: string): Promise<string | null> {
  const { mode } = await stat(path);
  // Windows has no such mode; there the folder of the user protects the file.
  if (platform() === "win32" || (mode & READ_BY_OTHERS) === 0) return null;
  return `the config file ${path} has a secret in it and can be read by others; run: chmod 600 ${path}`;
}
