import { assertEquals, assertFalse } from "@std/assert";
import { isToken } from "../../lib/http/octets.ts";

Deno.test("isToken accepts exactly the characters of RFC 9110 5.6.2", () => {
  const accepted: string[] = [];
  for (let code = 0; code < 0x180; code++) {
    const character = String.fromCharCode(code);
    if (isToken(`a${character}`)) accepted.push(character);
  }
  assertEquals(
    accepted.join(""),
    "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~",
  );
  assertFalse(isToken(""));
});
