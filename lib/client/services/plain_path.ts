import { pathOf } from "../../http/target.ts";

/** The path that services are chosen by; the target `*` means the whole server. */
export function servicePath(target: string): string {
  return target === "*" ? "/" : pathOf(target);
}

/** Whether all services read a path alike. */
export function isPlain(path: string): boolean {
  return !UNUSUAL.test(path);
}

/** What services read in ways of their own: encodings, empty names, dots, parameters and backslashes. */
const UNUSUAL = /[%\\;]|\/[./]/;

/**
 * Returns the path that a service may make of one: decoded, without dots for names, empty names and parameters. What is
 * decided by a path holds for this one as well, so that no spelling leads around it.
 */
export function plainPath(path: string): string {
  const names: string[] = [];
  let isFolder = false;
  for (const text of decoded(path).replaceAll("\\", "/").split("/")) {
    const [name = ""] = text.split(";", 1);
    isFolder = name === "" || name === "." || name === "..";
    if (name === "..") names.pop();
    else if (!isFolder) names.push(name);
  }
  return `/${names.join("/")}${isFolder && names.length > 0 ? "/" : ""}`;
}

function decoded(path: string): string {
  return path.replaceAll(
    /%([0-9a-fA-F]{2})/g,
    (_, digits: string) => String.fromCharCode(parseInt(digits, 16)),
  );
}
