import { DEFAULT_PORTS, parseAuthority, withoutBrackets } from "../../net/authority.ts";
import { parseInteger } from "../../cli/flags.ts";
import { type Origin, originName } from "./origin.ts";
import { VisitTemplate } from "./visit_template.ts";

/** What answers visitors, as an owner writes it in one word. */
export type ServiceSpec =
  | Origin
  | { readonly kind: "routes"; readonly routes: readonly RouteSpec[] }
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "status"; readonly status: number }
  /** A URL with the places of a template. */
  | { readonly kind: "redirect"; readonly to: string };

/** A service for a path and all below it. */
export interface RouteSpec {
  /** Without a slash at its end; empty for every path. */
  readonly prefix: string;
  readonly service: ServiceSpec;
  /** Whether the service gets the path without the prefix. */
  readonly isStripped: boolean;
}

/** The host of a service of which only the port was given. */
export const DEFAULT_HOST = "localhost";

/**
 * Reads the word for a service: `3000`, `host:3000`, `http://host:3000`, `https://host:8443`, `unix:/run/app.sock`,
 * `./folder`, `status:503` or `redirect:https://example.com{path}`.
 *
 * @throws {RangeError} "must …" for anything else.
 */
export function parseService(text: string): ServiceSpec {
  if (FOLDER.test(text)) return { kind: "folder", path: folderPath(text) };
  const [, scheme = "", rest = ""] = SCHEME.exec(text) ?? [];
  switch (scheme.toLowerCase()) {
    case "unix":
      return { kind: "unix", path: socketPath(rest) };
    case "status":
      return { kind: "status", status: parseInteger(rest, 200, 599) };
    case "redirect":
      return { kind: "redirect", to: redirectTarget(rest) };
    default:
      return parseOrigin(text);
  }
}

/**
 * Reads `/api=4000`: a path, and the word for the service of all that is below. A folder has its files there.
 *
 * @throws {RangeError} "must …" for anything else.
 */
export function parseRoute(text: string): RouteSpec {
  const equals = text.indexOf("=");
  const path = text.slice(0, Math.max(equals, 0));
  if (!ROUTE_PATH.test(path)) {
    throw new RangeError("must be a path without dots for names, and a service: /api=4000");
  }
  const service = parseService(text.slice(equals + 1));
  const prefix = path.endsWith("/") ? path.slice(0, -1) : path;
  return { prefix, service, isStripped: service.kind === "folder" };
}

/** Routes at most: many more than somebody writes by hand, and those below one name are looked at in turn. */
const MAX_ROUTES = 100;

/**
 * Puts routes together; with `strip` all of their services get the path without the route's.
 *
 * @throws {RangeError} with a sentence of its own for two of one path, and for too many.
 */
export function routedService(given: readonly RouteSpec[], strip: boolean): ServiceSpec {
  const prefixes = given.map(({ prefix }) => prefix);
  const twice = prefixes.find((prefix, index) => prefixes.indexOf(prefix) !== index);
  if (twice !== undefined) throw new RangeError(`two services are given for ${twice || "/"}`);
  if (given.length > MAX_ROUTES) throw new RangeError(`there are more than ${MAX_ROUTES} routes`);
  const routes = given.map((route) => ({ ...route, isStripped: route.isStripped || strip }));
  return { kind: "routes", routes };
}

/** Names with slashes between, each of plain characters (RFC 3986 section 3.3), so that a path has one spelling. */
const ROUTE_PATH = /^\/(?:(?!\.{1,2}(?:\/|$))[\w.~!$&'()*+,:@-]+(?:\/(?!\.{1,2}(?:\/|$))|$))*$/;

/** Returns what a service is called wherever its owner reads of it. */
export function serviceName(spec: ServiceSpec): string {
  switch (spec.kind) {
    case "folder":
      return spec.path;
    case "status":
      return `status:${spec.status}`;
    case "redirect":
      return `redirect:${spec.to}`;
    case "routes":
      return spec.routes.map(({ prefix, service }) => `${prefix || "/"} → ${serviceName(service)}`)
        .join(", ");
    default:
      return originName(spec);
  }
}

/** Returns the origins that a service asks. */
export function originsOf(spec: ServiceSpec): readonly Origin[] {
  if (spec.kind === "routes") return spec.routes.flatMap(({ service }) => originsOf(service));
  return spec.kind === "folder" || spec.kind === "status" || spec.kind === "redirect" ? [] : [spec];
}

/** How a path begins, on any system: with a dot, a separator or a drive; a bare word would be a host's name. */
const FOLDER = /^(?:\.{1,2}(?:[/\\]|$)|[/\\~]|[a-zA-Z]:[/\\])/;

function folderPath(text: string): string {
  if (text.includes("\0")) throw new RangeError("must name a folder without NUL");
  return text;
}

/** A URL of HTTP: scheme, authority and the rest, in ASCII without blanks. */
const REDIRECT = /^(https?):\/\/([^/?#{]+)([/?#{][\x21-\x7e]*)?$/i;

function redirectTarget(text: string): string {
  const [, , authority = ""] = REDIRECT.exec(text) ?? [];
  if (parseAuthority(authority) === undefined) {
    throw new RangeError("must lead to a URL: redirect:https://example.com/ or …example.com{path}");
  }
  new VisitTemplate(text);
  return text;
}

const SCHEME = /^([a-zA-Z][a-zA-Z0-9+.-]*):(.*)$/s;

/** Bytes of the path of a socket: what `sun_path` holds on Linux and macOS, without the zero at its end. */
const MAX_SOCKET_PATH = 103;

/** Reads what stands behind `unix:`, which may begin with the two slashes of a URL. */
function socketPath(text: string): string {
  const path = text.startsWith("///") ? text.slice(2) : text;
  const length = new TextEncoder().encode(path).length;
  if (length > 0 && length <= MAX_SOCKET_PATH && !path.includes("\0")) return path;
  throw new RangeError(`must name a socket with 1 to ${MAX_SOCKET_PATH} bytes: unix:/run/app.sock`);
}

/** Scheme, authority and the rest (RFC 3986 appendix B), where a lone `host:port` has no scheme. */
const URL_PARTS = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):\/\/)?([^/?#]*)(.*)$/s;

const DIGITS = /^[0-9]+$/;

function parseOrigin(text: string): Origin {
  const [, written, authority = "", rest = ""] = URL_PARTS.exec(text) ?? [];
  if (written === undefined && DIGITS.test(text)) {
    return { kind: "http", host: DEFAULT_HOST, port: portOf(Number(text)) };
  }
  const kind = (written ?? "http").toLowerCase();
  if (kind !== "http" && kind !== "https") throw notAService();
  if (rest !== "" && rest !== "/") throw new RangeError("must be given without a path");
  const known = parseAuthority(authority);
  if (known === undefined || (written === undefined && known.port === null)) throw notAService();
  const port = portOf(known.port ?? DEFAULT_PORTS[kind]);
  return { kind, host: withoutBrackets(known.name), port };
}

function portOf(port: number): number {
  if (port >= 1 && port <= 65_535) return port;
  throw new RangeError("must have a port from 1 to 65535");
}

function notAService(): RangeError {
  return new RangeError(
    "must be a port, host:port, http://host:port, https://host:port, unix:/run/app.sock or ./folder",
  );
}
