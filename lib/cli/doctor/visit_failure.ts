import { OriginError } from "../../http/origin_error.ts";
import { systemReason } from "../../net/system_reason.ts";
import { DialError, type DialFailure } from "../../websocket/dial_error.ts";
import { type Finding, wrong } from "./finding.ts";

/** Says that a visit by the public URL failed; `advice` is what to do where the failure itself tells nothing. */
export function failedVisit(check: string, error: unknown, url: URL, advice: string): Finding {
  if (error instanceof DialError) {
    const failure = error.failure;
    return wrong(check, `${url.host}: ${error.message}`, adviceOn(failure, url) ?? advice);
  }
  if (error instanceof OriginError) {
    return wrong(check, `${url.host} answers, but not in HTTP/1.1: ${error.message}`, advice);
  }
  return wrong(check, `${url.host}: ${systemReason(error)}`, advice);
}

/** Says that an answer came which is not the one of the probe. */
export function wrongStatus(check: string, status: number, url: URL): Finding {
  const text = `a visit to ${url.host} got status ${status} in place of its answer`;
  return wrong(check, text, ON_STATUS.get(status) ?? OTHER_STATUS);
}

const OTHER_STATUS = "Something between the visitor and the server answers in its place: let it " +
  "pass on every path of this host";

const GUARDED = "Something in front of the server asks visitors for a login: let this host through";

const ON_STATUS: ReadonlyMap<number, string> = new Map([
  [
    301,
    "Something in front of the server redirects visitors: give the server the URL that they " +
    "end at, by --public-url",
  ],
  [302, "Something in front of the server redirects visitors: let this host through"],
  [307, "Something in front of the server redirects visitors: let this host through"],
  [
    308,
    "Something in front of the server redirects visitors: give the server the URL that they " +
    "end at, by --public-url",
  ],
  [401, GUARDED],
  [403, GUARDED],
  [
    404,
    "The proxy in front must pass on the name that visitors ask for: proxy_set_header Host " +
    "$http_host; in nginx",
  ],
  [413, "A proxy caps bodies: client_max_body_size 0; in nginx, and see the server's --max-body"],
  [
    426,
    "A proxy drops what a WebSocket is asked for with: in nginx, proxy_http_version 1.1; with " +
    "proxy_set_header Upgrade $http_upgrade; and Connection",
  ],
  [431, "A proxy takes shorter heads than the server: large_client_header_buffers 4 64k; in nginx"],
  [
    414,
    "A proxy takes shorter targets than the server: large_client_header_buffers 4 64k; in nginx",
  ],
  [502, "A proxy in front of the server does not reach it: check its address there"],
  [503, "Wait until the server has room, or raise its limits"],
  [
    504,
    "A proxy in front of the server does not wait for it: check its address and time limits there",
  ],
]);

function adviceOn(failure: DialFailure, { hostname, host }: URL): string | null {
  switch (failure.kind) {
    case "unreachable":
      return failure.code.startsWith("EAI_")
        ? `Set the wildcard record that leads there: *.${
          parentOf(hostname)
        } A <the server's address>`
        : `Start what is to answer there, the proxy if there is one, and open the port of ${host} ` +
          "to the world, in the firewall of the host too";
    case "late":
      return failure.step === "connection"
        ? `Open the port of ${host} to the world, in the firewall of the host too`
        : null;
    case "tls":
      return failure.fault === "other_name"
        ? `Get a certificate for *.${parentOf(hostname)} as well`
        : null;
    case "status":
      return ON_STATUS.get(failure.status) ?? null;
    case "wants_tls":
      return "Give the server the URL that visitors type, by --public-url: https:// in front";
    default:
      return null;
  }
}

function parentOf(hostname: string): string {
  return hostname.slice(hostname.indexOf(".") + 1);
}
