import { platform } from "node:os";
import { type Environment, lookUp } from "../../cli/command_line.ts";

/** The name of the system that this runs on, such as `linux`, `darwin` or `win32`. */
export const SYSTEM: string = platform();

/** Returns the path of a file among the settings that the platform keeps for this program; null where it has no place for them. */
export function configFile(
  name: string,
  environment: Environment,
  os: string,
): string | null {
  if (os === "win32") {
    const folder = lookUp(environment, "APPDATA");
    return isGiven(folder) ? `${folder}\\tunnel\\${name}` : null;
  }
  const config = lookUp(environment, "XDG_CONFIG_HOME");
  // A relative path is to be ignored (XDG Base Directory Specification).
  if (os !== "darwin" && config?.startsWith("/")) return `${config}/tunnel/${name}`;
  const home = lookUp(environment, "HOME");
  const folder = os === "darwin" ? "Library/Application Support" : ".config";
  return isGiven(home) ? `${home}/${folder}/tunnel/${name}` : null;
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text !== "";
}
