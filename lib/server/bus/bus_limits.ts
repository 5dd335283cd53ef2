import { quoted } from "../../cli/safe_text.ts";
import { isOrigin } from "../../net/authority.ts";
import { MAX_TRANSPORT_MESSAGE } from "../../wire/limits.ts";

/** Bytes of one message between nodes: a transport message must fit, with the header in front of it. */
export const MAX_BUS_MESSAGE = 2 * MAX_TRANSPORT_MESSAGE;

/** Nodes that the bus remembers for one hostname: those that said so last. */
export const MAX_NODES_OF_HOSTNAME = 64;

/** Milliseconds of the longest lifetime: far above any that is used, it catches mistakes. */
export const MAX_LIFETIME = 30 * 24 * 60 * 60 * 1000;

/** Characters of a node's id. */
export const MAX_NODE_ID = 64;

/** Characters of a hostname, a name, an owner and a ticket: DNS names, digests and keys are shorter. */
export const MAX_BUS_WORD = 256;

/** Characters of a node's URL. */
export const MAX_NODE_URL = 512;

/** Bytes of what a ticket stands for. */
export const MAX_TICKET_VALUE = 16 * 1024;

/** Bytes of a text that all nodes can read: the longest list of bans has 0.9 MB, and a third more when it is encrypted. */
export const MAX_BUS_TEXT = 1536 * 1024;

/** Tells whether a text can be a node's id: letters, digits, `-` and `_`. */
export function isNodeId(text: string): boolean {
  return text.length <= MAX_NODE_ID && /^[A-Za-z0-9_-]+$/.test(text);
}

/** Tells whether a text can be a hostname, a name, an owner or a ticket: printable ASCII without a space. */
export function isBusWord(text: string): boolean {
  return text.length <= MAX_BUS_WORD && /^[!-~]+$/.test(text);
}

/** Tells whether a text can be a node's URL: `http` or `https`, a host, and neither a path nor a user. */
export function isNodeUrl(text: string): boolean {
  return text.length <= MAX_NODE_URL && isOrigin(text);
}

/** @throws {RangeError} when a text cannot be a node's id. */
export function checkNodeId(text: string): void {
  if (!isNodeId(text)) {
    throw new RangeError(
      `a node's id is up to ${MAX_NODE_ID} of A-Z a-z 0-9 - _, not ${quoted(text)}`,
    );
  }
}

/**
 * Checks what is to be kept under a name; the text is not shown, for tickets are secret.
 *
 * @throws {RangeError}
 */
export function checkBusWord(text: string): void {
  if (!isBusWord(text)) {
    throw new RangeError(
      `the bus keeps words of 1 to ${MAX_BUS_WORD} printable ASCII characters, not this of ${text.length}`,
    );
  }
}

/** @throws {RangeError} when the other nodes would not accept a node's record. */
export function checkNodeRecord(
  { id, url }: { readonly id: string; readonly url: string | null },
): void {
  checkNodeId(id);
  if (url !== null && !isNodeUrl(url)) {
    throw new RangeError(`a node's URL is like http://10.0.0.7:6519, not ${quoted(url)}`);
  }
}

/** @throws {RangeError} unless it is a whole number of milliseconds from 1 to MAX_LIFETIME. */
export function checkLifetime(lifetime: number): void {
  if (!Number.isInteger(lifetime) || lifetime < 1 || lifetime > MAX_LIFETIME) {
    throw new RangeError(`a lifetime is 1 to ${MAX_LIFETIME} ms, not ${lifetime}`);
  }
}

/** @throws {RangeError} when a message is longer than any bus carries. */
export function checkMessage({ length }: Uint8Array): void {
  if (length > MAX_BUS_MESSAGE) {
    throw new RangeError(`a message to a node has up to ${MAX_BUS_MESSAGE} bytes, not ${length}`);
  }
}

/** @throws {RangeError} when the value of a ticket is too long; it is not shown. */
export function checkTicketValue({ length }: Uint8Array): void {
  if (length > MAX_TICKET_VALUE) {
    throw new RangeError(`a ticket stands for up to ${MAX_TICKET_VALUE} bytes, not ${length}`);
  }
}

/** @throws {RangeError} when a text that all nodes can read is too long; it is not shown. */
export function checkBusText({ length }: Uint8Array): void {
  if (length > MAX_BUS_TEXT) {
    throw new RangeError(`the bus keeps texts of up to ${MAX_BUS_TEXT} bytes, not ${length}`);
  }
}
