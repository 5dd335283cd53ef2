import type { DialError, DialFailure } from "../websocket/dial_error.ts";
import { SUBSCRIBE_PATH } from "../wire/messages.ts";
import type { TLSFault } from "../net/tls_failure.ts";

/** Words a failed dial to a server for the owner: why, and behind that what to do about it. */
export function dialAdvice({ message, failure }: DialError, server: string): string {
  const advice = adviceOn(failure, new URL(server));
  return advice === "" ? message : `${message}. ${advice}`;
}

/** Returns sentences, the last without its full stop; empty where there is nothing to do but to try again. */
export function adviceOn(failure: DialFailure, server: URL): string {
  switch (failure.kind) {
    case "unreachable":
      return onUnreachable(failure.code, server);
    case "late":
      return failure.step === "connection"
        ? `Check the host and port in --server; a firewall in between may drop what is sent there, ` +
          `or a proxy be needed (--proxy)`
        : `Something accepts connections there and says nothing: check the port in --server`;
    case "proxy":
      return onProxy(failure.status);
    case "tls":
      return ON_TLS[failure.fault].replace("<plain>", `http://${server.host}`);
    case "wants_tls":
      return `Start the client with --server https://${server.host}`;
    case "status":
      return onStatus(failure.status, failure.location, server);
    case "wrong_answer":
      return failure.isOtherVersion
        ? "Server and client are of versions that do not understand each other: update the older one"
        : NO_TUNNEL_SERVER;
    case "not_http":
      return NO_TUNNEL_SERVER;
    case "cut":
      return server.protocol === "http:"
        ? `If it speaks TLS, its URL is https://${server.host}`
        : "";
  }
}

const NO_TUNNEL_SERVER = "That is no tunnel server: check the host and port in --server";

/** In hotels and trains, the network answers in place of every server until somebody has logged in. */
const LOGIN_PAGE = "or the network's login page answers in its place: open any page in a browser";

function onUnreachable(code: string, { host, hostname, protocol }: URL): string {
  switch (code) {
    case "EAI_NONAME":
      return `Check the spelling of ${hostname} in --server, and whether its DNS record is there yet`;
    case "EAI_AGAIN":
    case "ENETUNREACH":
    case "EHOSTUNREACH":
    case "ENETDOWN":
      return "Check this machine's network";
    case "ECONNREFUSED":
      return `Check that the server runs and that its port is ${portOf(host, protocol)}`;
    default:
      return "";
  }
}

function portOf(host: string, protocol: string): string {
  return /:(\d+)$/.exec(host)?.[1] ?? (protocol === "https:" ? "443" : "80");
}

function onProxy(status: number | null): string {
  switch (status) {
    case 401:
    case 407:
      return "It wants a login: --proxy http://user:password@host:port, better in the environment " +
        "as TUNNEL_PROXY";
    case 403:
      return "Many proxies lead to port 443 alone; ask who runs it to allow this server";
    case 500:
    case 502:
    case 503:
    case 504:
      return "The proxy cannot reach the server: check the host and port in --server";
    default:
      return "Check --proxy, or HTTPS_PROXY, HTTP_PROXY and NO_PROXY in the environment";
  }
}

const ON_TLS: Readonly<Record<TLSFault, string>> = {
  untrusted: "If it is one of your own, name its PEM file in --server-ca; if not, somebody else " +
    "answers in the server's place",
  authority: "Give the server a certificate of its own, signed by that one or made with CA:FALSE",
  expired: "Renew it at the server, or set the clock if that is wrong",
  not_yet_valid: "Set this machine's clock if it is wrong",
  other_name:
    "Use a name in --server that the certificate has, or give the server one for this name",
  plain: "Start the client with --server <plain> if it is to be reached without TLS",
  cut: "If it does not speak TLS, its URL is <plain>",
  other: "",
};

function onStatus(status: number, location: URL | null, server: URL): string {
  if (location !== null) return onRedirect(location, server);
  if (status < 300) return `It answers, but is no tunnel server: check --server; ${LOGIN_PAGE}`;
  switch (status) {
    case 401:
    case 403:
      return "Something in front of the server guards the way to it";
    case 404:
    case 405:
    case 410:
      return "Check the host in --server: clients connect to the server's own, not to a tunnel's";
    case 407:
      return onProxy(status);
    case 426:
      return "A proxy in front of the server drops what a WebSocket is asked for with: in nginx, " +
        "proxy_http_version 1.1; with proxy_set_header Upgrade $http_upgrade; and Connection";
    case 421:
      return "Put that port into --server";
    case 502:
    case 504:
      return "A proxy in front of the server does not reach it";
    default:
      return "";
  }
}

/** The target is the server's own under another URL, when the path is kept or left off. */
function onRedirect({ origin, pathname, protocol }: URL, server: URL): string {
  const isSame = pathname === SUBSCRIBE_PATH || pathname === "/";
  const isHTTP = protocol === "https:" || protocol === "http:";
  return isSame && isHTTP && origin !== server.origin
    ? `Start the client with --server ${origin}`
    : `That leads to no tunnel server: check --server; ${LOGIN_PAGE}`;
}
