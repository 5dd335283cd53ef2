import { encodeBase64Url } from "@std/encoding/base64url";
import type { Log } from "../../cli/log.ts";
import { parseAuthority, withoutBrackets } from "../../net/authority.ts";
import { AddressSet } from "../../net/address_set.ts";
import { StateError, type StateFolder } from "../state_folder.ts";

/** The secret that a server has made for its clients. */
export interface ClientToken {
  readonly token: string;
  /** The path of the file that it is kept in. */
  readonly file: string;
  /** Whether it was made just now. */
  readonly isNew: boolean;
}

/** Its file in the folder that a server keeps. */
const FILE = "token";

/** Bytes: nobody can guess so many. */
const LENGTH = 32;

/** What stands in the file, with or without the line end that an editor adds. */
const TEXT = /^([A-Za-z0-9_-]{16,128})\r?\n?$/;

/** Returns the token of a server that was given none: the one that it made before, or a new one. @throws {StateError} */
export async function clientToken(state: StateFolder): Promise<ClientToken> {
  const file = state.pathOf(FILE);
  const made = encodeBase64Url(crypto.getRandomValues(new Uint8Array(LENGTH)));
  // A server that is started beside this one finds the same.
  if (await state.create(FILE, `${made}\n`)) return { token: made, file, isNew: true };
  const [, token] = TEXT.exec(await state.read(FILE) ?? "") ?? [];
  if (token !== undefined) return { token, file, isNew: false };
  throw new StateError(`there is no token in ${file}: remove it, and the server makes a new one`);
}

/**
 * Says how clients connect. A terminal is shown the token, once; a log is not, for it is kept and read elsewhere, and
 * says in which file the token is.
 */
export function tellToken(
  { token, file, isNew }: ClientToken,
  { server, log }: { /** Where clients connect. */ readonly server: string; readonly log: Log },
): void {
  const shown = isNew
    ? `clients are let in by: tunnel-client login ${server} --token ${token} ` +
      `(shown once, and kept in ${file})`
    : `clients are let in by: tunnel-client login ${server}, with the token in ${file}`;
  log.info("clients need the token that is kept in this file", { server, file, isNew }, shown);
}

/** Whether others than this machine can be meant to reach a server: by the names that it has, not by its address. */
export function isPublic(
  { domain, publicUrl }: { readonly domain: string; readonly publicUrl: string | null },
): boolean {
  const host = publicUrl === null ? undefined : new URL(publicUrl).host;
  return !isLocalName(domain) || (host !== undefined && !isLocalName(host));
}

/** Names of this machine alone (RFC 6761 section 6.3), and its loopback addresses. */
function isLocalName(host: string): boolean {
  const { name = "", isAddress = false } = parseAuthority(host) ?? {};
  if (isAddress) return LOOPBACK.has(withoutBrackets(name));
  return name === "localhost" || name.endsWith(".localhost");
}

const LOOPBACK = AddressSet.parse("loopback");
