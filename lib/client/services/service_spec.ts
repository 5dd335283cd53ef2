import { DEFAULT_PORTS, parseAuthority, withoutBrackets } from "../../net/authority.ts";
import { type Origin, originName } from "./origin.ts";

/** What answers visitors, as an owner writes it in one word. */
export type ServiceSpec = Origin;

/** The host of a service of which only the port was given. */
export const DEFAULT_HOST = "localhost";

/**
 * Reads the word for a service: `3000`, `host:3000`, `http://host:3000`, `https://host:8443` or `unix:/run/app.sock`.
 *
 * @throws {RangeError} "must …" for anything else.
 */
export function parseService(text: string): ServiceSpec {
  const [, scheme = "", rest = ""] = SCHEME.exec(text) ?? [];
  if (scheme.toLowerCase() === "unix") return { kind: "unix", path: socketPath(rest) };
  return parseOrigin(text);
}

/** Returns what a service is called wherever its owner reads of it. */
export function serviceName(spec: ServiceSpec): string {
  return originName(spec);
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
    "must be a port, host:port, http://host:port, https://host:port or unix:/run/app.sock",
  );
}
