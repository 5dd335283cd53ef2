import { assert, assertEquals, assertFalse } from "@std/assert";
import { isToken, latin1, withoutBlanks, writeLatin1 } from "../../lib/http/octets.ts";
import { toText } from "../testing/latin1.ts";

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

Deno.test("latin1 gives each octet its character, and writeLatin1 gives it back", () => {
  const octets = Uint8Array.from({ length: 256 }, (_, octet) => octet);
  assertEquals(latin1(octets), toText(octets));
  assertEquals(latin1(octets.subarray(100), 1, 3), "ef");
  const out = new Uint8Array(258);
  assert(writeLatin1(latin1(octets), out, 2));
  assertEquals(out.subarray(2), octets);
  assertFalse(writeLatin1("a\u0100", out, 0));
});

Deno.test("withoutBlanks takes blanks and tabs off both ends, and nothing else", () => {
  assertEquals([" \ta b\t ", "", " ", "a"].map(withoutBlanks), ["a b", "", "", "a"]);
  for (const text of ["\u00a0a", "a\n", "\va"]) assertEquals(withoutBlanks(text), text);
});
