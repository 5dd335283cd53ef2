import { assertEquals } from "@std/assert";
import { parseContentLength, parseContentLengths } from "../../lib/http/content_length.ts";

/** The largest number below which each byte counts: 2^53 - 1. */
const MOST = "9007199254740991";

Deno.test("parseContentLength takes digits alone, up to the last number that can be counted to", () => {
  for (const text of ["0", "5", "005", MOST, `0${MOST}`]) {
    assertEquals(parseContentLength(text), Number(text), text);
  }
  const wrong = ["", " ", "+5", "-1", "5 ", " 5", "5 5", "5,5", "1e3", "0x5", "5.0", "\u0665"];
  for (const text of [...wrong, "9007199254740992", "9".repeat(400)]) {
    assertEquals(parseContentLength(text), undefined, text);
  }
});

Deno.test("parseContentLengths takes a list of equal numbers for one, and no other (RFC 9110 8.6)", () => {
  for (const list of ["5", "5, 5", "5,5 ,5", "5,05"]) {
    assertEquals(parseContentLengths(list), 5, list);
  }
  for (const list of ["", ",", "5,", ", 5", "5, 6", "x, x", "5; 5", "5, \u00a05"]) {
    assertEquals(parseContentLengths(list), undefined, list);
  }
});
