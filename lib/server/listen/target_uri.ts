import { latin1 } from "../../http/octets.ts";
import { endOfAuthority } from "../../net/authority.ts";
import type { Visit } from "./visit.ts";

/** The parts of a request's target URI (RFC 9110 section 7.1). */
export type TargetURI = Pick<Visit, "scheme" | "authority" | "target">;

/** Cuts the URL of a `Request`, which Deno leaves as it came, into its parts; `URL` would tidy it up. */
export function targetURI(method: string, url: string): TargetURI {
  const colon = url.indexOf("://");
  if (colon === -1) return { scheme: "", authority: "", target: targetOf(method, url) };
  const start = colon + 3;
  const end = endOfAuthority(url, start);
  return {
    scheme: url.startsWith("http://") ? "http" : url.slice(0, colon).toLowerCase(),
    authority: url.slice(start, end),
    target: targetOf(method, url.slice(end)),
  };
}

/** Makes what stands behind an authority a request target: an empty path is `/` (RFC 9112 section 3.2.1). */
function targetOf(method: string, rest: string): string {
  const target = octetsOf(rest.startsWith("/") ? rest : `/${rest}`);
  // `Deno.serve` shows the asterisk-form as a path (RFC 9112 section 3.2.4).
  return method === "OPTIONS" && target === "/*" ? "*" : target;
}

const encoder = new TextEncoder();

/** Returns UTF-8 as one character for each octet: Deno hands over a target in which it has decoded what is not ASCII. */
function octetsOf(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7f) return latin1(encoder.encode(text));
  }
  return text;
}
