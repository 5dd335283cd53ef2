import {
  connectionOptions,
  type Field,
  fieldValue,
  fieldValues,
  listMembers,
} from "../../http/fields.ts";
import { isToken } from "../../http/octets.ts";
import type { VisitRefusal } from "../tunnels/upstream.ts";

/** What a request wants to become. */
export type Upgrade =
  | { readonly kind: "none" }
  /** A correct opening handshake, with the subprotocols in the visitor's order. */
  | { readonly kind: "websocket"; readonly protocols: readonly string[] }
  | { readonly kind: "refused"; readonly refusal: VisitRefusal };

export interface UpgradeRequest {
  readonly method: string;
  readonly fields: readonly Field[];
}

/**
 * Checks a WebSocket handshake as RFC 6455 section 4.2.1 demands, since `Deno.upgradeWebSocket` takes any method, version
 * and key. A request that offers only other protocols is an ordinary one (RFC 9110 section 7.8).
 */
export function checkUpgrade({ method, fields }: UpgradeRequest): Upgrade {
  const upgrade = fieldValues(fields, "upgrade");
  if (upgrade === undefined || !namesWebSocket(upgrade)) return NONE;

  if (upgrade.toLowerCase() !== "websocket") return badRequest("Upgrade must be websocket alone");
  if (method !== "GET") {
    return refusedUpgrade(405, "a WebSocket handshake is a GET request", [["allow", "GET"]]);
  }
  if (!connectionOptions(fieldValues(fields, "connection") ?? "").includes("upgrade")) {
    return badRequest("Connection does not name upgrade");
  }
  const hasCoding = fieldValue(fields, "transfer-encoding") !== undefined;
  if (hasCoding || (fieldValue(fields, "content-length") ?? "0") !== "0") {
    return badRequest("a WebSocket handshake has no body");
  }
  if (fieldValues(fields, "sec-websocket-version") !== VERSION) {
    return refusedUpgrade(426, `the WebSocket version must be ${VERSION}`, VERSION_WANTED);
  }
  if (!KEY.test(fieldValues(fields, "sec-websocket-key") ?? "")) {
    return badRequest("Sec-WebSocket-Key is not 16 bytes in base64");
  }
  const protocols = parseProtocols(fieldValues(fields, "sec-websocket-protocol"));
  return protocols === undefined
    ? badRequest("Sec-WebSocket-Protocol is not a list of different tokens")
    : { kind: "websocket", protocols };
}

const NONE: Upgrade = { kind: "none" };

const VERSION = "13";

/** What a 426 must say (RFC 6455 section 4.4, RFC 9110 section 15.5.22). */
const VERSION_WANTED: readonly Field[] = [
  ["connection", "upgrade"],
  ["upgrade", "websocket"],
  ["sec-websocket-version", VERSION],
];

/** 16 bytes are 22 digits of base64 and two of padding; two keys in two fields are joined, and fail. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/** Finds websocket among the protocols offered, with a version behind it too. */
function namesWebSocket(upgrade: string): boolean {
  return upgrade.toLowerCase().split(",").some((protocol) =>
    protocol.split("/", 1)[0]?.trim() === "websocket"
  );
}

function parseProtocols(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return [];
  const protocols = listMembers(text);
  return protocols.every(isToken) && new Set(protocols).size === protocols.length
    ? protocols
    : undefined;
}

function badRequest(reason: string): Upgrade {
  return refusedUpgrade(400, reason, []);
}

function refusedUpgrade(
  status: 400 | 405 | 426,
  reason: string,
  fields: readonly Field[],
): Upgrade {
  return { kind: "refused", refusal: { code: "request", status, reason, fields } };
}
