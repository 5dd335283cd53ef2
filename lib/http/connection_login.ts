import type { FieldLines } from "./field_lines.ts";
import { NotableKind } from "./notable_line.ts";

/**
 * Tells whether fields belong to a scheme that logs in a connection and not a request, as NTLM and Negotiate do
 * (RFC 4559 section 4): whatever is sent on that connection later has the rights of who logged in.
 */
export function logsInConnection(lines: FieldLines): boolean {
  if (!lines.has(NotableKind.Login)) return false;
  return LOGIN_FIELDS.some((name) => SCHEMES.test(lines.notableValue(name) ?? ""));
}

const LOGIN_FIELDS = ["authorization", "www-authenticate"] as const;

/** Their names at the start of a member of a list, in any case (RFC 9110 section 11.1). */
const SCHEMES = /(?:^|,)[ \t]*(?:ntlm|negotiate)(?![^ \t,])/i;
