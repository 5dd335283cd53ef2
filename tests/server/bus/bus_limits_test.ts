import { assertEquals, assertThrows } from "@std/assert";
import {
  checkBusWord,
  checkLifetime,
  checkMessage,
  checkNodeId,
  checkNodeRecord,
  checkTicketValue,
  isBusWord,
  isNodeId,
  isNodeUrl,
  MAX_BUS_MESSAGE,
  MAX_BUS_WORD,
  MAX_LIFETIME,
  MAX_NODE_ID,
  MAX_NODE_URL,
  MAX_TICKET_VALUE,
} from "../../../lib/server/bus/bus_limits.ts";

Deno.test("Each limit of the bus lets the longest through and nothing above", () => {
  const checks:
    readonly (readonly [check: (length: number) => void, least: number, most: number])[] = [
      [(length) => checkNodeId("n".repeat(length)), 1, MAX_NODE_ID],
      [(length) => checkBusWord("w".repeat(length)), 1, MAX_BUS_WORD],
      [(length) => checkNodeRecord({ id: "n", url: urlOf(length) }), urlOf(0).length, MAX_NODE_URL],
      [checkLifetime, 1, MAX_LIFETIME],
      [(length) => checkMessage(new Uint8Array(length)), 0, MAX_BUS_MESSAGE],
      [(length) => checkTicketValue(new Uint8Array(length)), 0, MAX_TICKET_VALUE],
    ];
  for (const [check, least, most] of checks) {
    for (const length of [least, least + 1, most - 1, most]) check(length);
    assertThrows(() => check(most + 1), RangeError);
    if (least === 1) assertThrows(() => check(0), RangeError);
  }
  for (const lifetime of [-1, 1.5, NaN, Infinity]) {
    assertThrows(() => checkLifetime(lifetime), RangeError);
  }
});

Deno.test("isNodeId, isBusWord and isNodeUrl look at every character, and at the first and last", () => {
  for (const id of ["a", "Z", "0", "-", "_", "az-09_AZ"]) assertEquals(isNodeId(id), true, id);
  for (const id of ["", " a", "a ", "a\n", "a.b", "ä", "a/b", "@", "[", "`", "{", ":"]) {
    assertEquals(isNodeId(id), false, JSON.stringify(id));
  }
  for (const word of ["!", "~", "a.b", "*", "a:b/c"]) assertEquals(isBusWord(word), true, word);
  for (const word of ["", " ", "a b", "a\n", "\x7f", "\x1f", "ä", " a"]) {
    assertEquals(isBusWord(word), false, JSON.stringify(word));
  }
  for (const url of ["http://a", "https://a:1", "http://[::1]:6519"]) {
    assertEquals(isNodeUrl(url), true, url);
  }
  for (
    const url of [
      ...["", "a", "http://a/", "http://a/b", "http://a?b", "http://a#b", "http://u@a"],
      ...["http://a:80", "https://a:443", "HTTP://a", "ftp://a", "ws://a", "httpsx://a"],
    ]
  ) assertEquals(isNodeUrl(url), false, url);
});

/** Returns a URL of so many characters, and never fewer than it takes. */
function urlOf(length: number): string {
  const start = "http://a";
  return `${start}${"b".repeat(Math.max(0, length - start.length))}`;
}
