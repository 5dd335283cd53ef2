import { assertEquals } from "@std/assert";
import {
  fieldText,
  fieldValueOf,
  latin1Of,
  octetsOf,
  textOfPart,
  visible,
} from "../../../../lib/client/inspector/page/octet_text.ts";

Deno.test("octets and Latin-1 texts are made of each other, of any length", () => {
  const octets = Uint8Array.from({ length: 20_000 }, (_, index) => index & 0xff);
  assertEquals(octetsOf(latin1Of(octets)), octets);
});

Deno.test("fieldText reads UTF-8 where it is that, and fieldValueOf writes it", () => {
  assertEquals(fieldText("plain"), "plain");
  assertEquals(fieldText("Zo\u00c3\u00ab"), "Zoë");
  assertEquals(fieldText("caf\xe9"), "caf\xe9");
  assertEquals(fieldText(fieldValueOf("Zoë 😀")), "Zoë 😀");
});

Deno.test("textOfPart leaves a character away that was cut, and refuses what is not UTF-8", () => {
  const octets = new TextEncoder().encode("a😀");
  for (let length = 1; length < octets.length; length++) {
    assertEquals(textOfPart(octets.subarray(0, length)), "a");
  }
  assertEquals(textOfPart(new Uint8Array([0xff, 0x61, 0x62, 0x63, 0x64])), null);
});

Deno.test("visible shows characters that hide or turn others", () => {
  assertEquals(visible("a\u202eb\x1b[31m\tc\nd"), "a\\u{202e}b\\u{1b}[31m\tc\nd");
});
