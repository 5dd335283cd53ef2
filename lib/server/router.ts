import { SUBSCRIBE_PATH } from "../wire/messages.ts";
import {
  type Authority,
  DEFAULT_PORTS,
  endOfAuthority,
  isDnsName,
  parseAuthority,
} from "../net/authority.ts";
import { BoundedMap } from "../net/bounded_map.ts";
import type { Field } from "../http/fields.ts";
import { pathOf } from "../http/target.ts";
import type { Visit } from "./listen/visit.ts";

/** Where a request goes, decided by its Host and its target alone. */
export type Route =
  /** To the server's own pages. */
  | { readonly kind: "own"; readonly path: string }
  /** To the pages of its operator, under a name that has nothing else. */
  | { readonly kind: "admin"; readonly path: string }
  /** To the tunnel of that hostname, which is asked for `target`. */
  | {
    readonly kind: "tunnel";
    readonly hostname: string;
    readonly target: string;
  }
  | RefusedRoute;

interface RefusedRoute {
  readonly kind: "refused";
  readonly status: 400 | 404 | 405;
  readonly reason: string;
  /** Of the answer, beside the usual ones. @default none */
  readonly fields?: readonly Field[];
}

export interface RouterOptions {
  /** Tunnels are `<id>.<domain>`. */
  readonly domain: string;
  /** The origin that visitors type, such as `https://example.com`. */
  readonly publicUrl: string;
  /** The name of the operator's pages; null for a server that has none. @default null */
  readonly adminName?: string | null;
  /** Sends every public request to the one tunnel. */
  readonly fixed: boolean;
}

/** What of a visit says where it goes. */
export type RoutedRequest = Pick<Visit, "method" | "scheme" | "authority" | "target" | "host">;

/** Texts of at most 260 characters each: the hosts that visitors ask for in one minute, on most servers. */
const MAX_HOSTS = 1000;

/** The hostname of the one tunnel of a server with a fixed route. */
export const FIXED_HOSTNAME = "*";

/** Finds the tunnel that a request is for, from the text of the request alone. */
export class Router {
  readonly #domain: string;
  readonly #publicName: string;
  readonly #adminName: string | null;
  readonly #fixed: boolean;
  /** What the same few Host fields were read as, which come with nearly every request. */
  readonly #hosts = new BoundedMap<string, Authority>(MAX_HOSTS);

  constructor({ domain, publicUrl, fixed, adminName = null }: RouterOptions) {
    this.#domain = domain.toLowerCase();
    this.#publicName = parseAuthority(new URL(publicUrl).host)?.name ?? this.#domain;
    this.#fixed = fixed;
    this.#adminName = adminName;
  }

  route(request: RoutedRequest): Route {
    const { method } = request;
    const route = this.#routeAny(request);
    return method !== "GET" && REFUSED_METHODS.has(method.toUpperCase())
      ? refusedMethod(
        method,
        route.kind === "own" || route.kind === "admin" ? OWN_METHODS : TUNNEL_METHODS,
      )
      : route;
  }

  #routeAny({ scheme, authority, target, host }: RoutedRequest): Route {
    if (scheme !== "http" && scheme !== "https") {
      return refusedRoute(400, "the request target is neither http nor https");
    }
    if (host === null) return refusedRoute(400, NO_HOST);
    if (host === "") return refusedRoute(400, "the Host field is empty");
    const asked = this.#readHost(host);
    if (asked === undefined) return refusedRoute(400, "the Host field is not a host and port");
    if (host !== authority && !isSame(asked, parseAuthority(authority), scheme)) {
      return refusedRoute(400, "the request target and the Host field name different hosts");
    }
    return this.#fixed ? this.#routeFixed(asked, target) : this.#routeByName(asked, target);
  }

  /** Reads a Host field as `parseAuthority` does. */
  #readHost(text: string): Authority | undefined {
    const known = this.#hosts.get(text);
    if (known !== undefined) return known;
    const authority = parseAuthority(text);
    // What is malformed takes no place.
    if (authority !== undefined) this.#hosts.set(text, authority);
    return authority;
  }

  #routeFixed(asked: Authority, target: string): Route {
    const path = pathOf(target);
    // Health checks of a platform come by address; by the public name these paths are the tunnel's own.
    const isLocal = (asked.isAddress || asked.name === "localhost") &&
      asked.name !== this.#publicName;
    return path === SUBSCRIBE_PATH || (isLocal && ADMIN_PATHS.has(path))
      ? { kind: "own", path: target }
      : { kind: "tunnel", hostname: FIXED_HOSTNAME, target };
  }

  #routeByName({ name, isAddress }: Authority, target: string): Route {
    if (isAddress || name === this.#domain || name === this.#publicName || name === "localhost") {
      return target.startsWith(REQUEST_PATH)
        ? this.#routeByPath(target)
        : { kind: "own", path: target };
    }
    if (name === this.#adminName) return { kind: "admin", path: target };
    const dot = name.indexOf(".");
    return dot > 0 && name.slice(dot + 1) === this.#domain
      ? { kind: "tunnel", hostname: name, target }
      : refusedRoute(404, "no such host here");
  }

  #routeByPath(target: string): Route {
    const end = endOfAuthority(target, REQUEST_PATH.length);
    const id = target.slice(REQUEST_PATH.length, end);
    if (id.includes(".") || !isDnsName(id)) return refusedRoute(404, "no such tunnel here");
    return {
      kind: "tunnel",
      hostname: `${id.toLowerCase()}.${this.#domain}`,
      target: target.startsWith("/", end) ? target.slice(end) : `/${target.slice(end)}`,
    };
  }
}

const REQUEST_PATH = "/proxy/request/";
const ADMIN_PATHS: ReadonlySet<string> = new Set(["/healthz", "/readyz", "/metrics"]);

/** A proxy that speaks HTTP/2 without TLS names the host in `:authority` alone, which Deno does not show. */
const NO_HOST = "the request has no Host field; " +
  "a proxy must speak HTTP/1.1 to this server when there is no TLS between them";

/** CONNECT asks for a tunnel of another kind; TRACE shows the fields that this side adds (RFC 9110 section 9.3.8). */
const REFUSED_METHODS: ReadonlySet<string> = new Set(["CONNECT", "TRACE"]);

/** What the Allow field of such a refusal names: all that a page of the server's own can be asked with. */
const OWN_METHODS = "GET, HEAD";

/** The same of a tunnel: the usual methods, for its service may know any other as well. */
const TUNNEL_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

function refusedRoute(status: 400 | 404, reason: string): RefusedRoute {
  return { kind: "refused", status, reason };
}

/** Refuses a method and names those that are served (RFC 9110 section 15.5.6). */
function refusedMethod(method: string, allowed: string): RefusedRoute {
  const reason = `the method ${method} is not served here`;
  return { kind: "refused", status: 405, reason, fields: [["allow", allowed]] };
}

function isSame(a: Authority, b: Authority | undefined, scheme: "http" | "https"): boolean {
  const usual = DEFAULT_PORTS[scheme];
  return b !== undefined && a.name === b.name && (a.port ?? usual) === (b.port ?? usual);
}
