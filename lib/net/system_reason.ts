/**
 * Says in plain words why the system or Deno refused something, as the end of "cannot read the file: "; an error of
 * another kind keeps its own message.
 */
export function systemReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "NotCapable") return notAllowed(error.message);
  const known = REASONS.get(systemCode(error));
  if (known !== undefined) return known;
  // "(os error 5)" and the call behind it tell a programmer something, and nobody else.
  const own = error.message.replace(/ \(os error \d+\).*$/s, "");
  return own === "" ? error.name : own;
}

/** Returns the system's own name for an error, such as `ENOENT`; `EAI_…` for a failed look-up (getaddrinfo); empty for others. */
export function systemCode(error: unknown): string {
  if (!(error instanceof Error)) return "";
  if ("code" in error && typeof error.code === "string") return error.code;
  // Of names Deno tells the text alone.
  if (!error.message.startsWith("failed to lookup address information")) return "";
  return /temporary failure/i.test(error.message) ? "EAI_AGAIN" : "EAI_NONAME";
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ["EACCES", "permission denied"],
  ["EPERM", "permission denied"],
  ["ENOENT", "there is no such file"],
  ["ENOTDIR", "a file stands where a folder is expected"],
  ["EISDIR", "it is a folder, not a file"],
  ["EEXIST", "it is there already"],
  ["ENOSPC", "the disk is full"],
  ["EDQUOT", "this user's share of the disk is full"],
  ["EROFS", "the file system is read-only"],
  ["EMFILE", "this program has as many files and connections open as it may; see ulimit -n"],
  ["ENFILE", "this machine has as many files and connections open as it may"],
  ["ENOMEM", "this machine has no memory left"],
  ["EADDRINUSE", "the port is in use"],
  ["EADDRNOTAVAIL", "this machine has no such address"],
  ["ECONNREFUSED", "nothing listens there"],
  ["ECONNRESET", "the connection was cut"],
  ["ECONNABORTED", "the connection was cut"],
  ["EPIPE", "the connection was cut"],
  ["ETIMEDOUT", "no answer came"],
  ["EHOSTUNREACH", "no way leads there"],
  ["ENETUNREACH", "no network leads there"],
  ["ENETDOWN", "the network is down"],
  ["EAI_NONAME", "its name has no address"],
  ["EAI_AGAIN", "no name server answers"],
]);

/** Names what Deno was not allowed: its message is `Requires net access to "…", run again with the --allow-net flag`. */
function notAllowed(message: string): string {
  const [, what = "that", flag = "-A"] = /^Requires (.+?),.* (--allow-[a-z]+) flag/.exec(message) ??
    [];
  return `Deno was started without permission for it (${what}; ${flag})`;
}
