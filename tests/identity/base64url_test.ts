import { assertEquals } from "@std/assert";
import { encodeBase64Url } from "@std/encoding/base64url";
import { fromBase64Url } from "../../lib/identity/base64url.ts";

Deno.test("fromBase64Url decodes what encodes bytes of any length", () => {
  for (let length = 0; length < 70; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => 251 * (i + length));
    assertEquals(fromBase64Url(encodeBase64Url(bytes)), bytes);
  }
});

Deno.test("fromBase64Url refuses every text of the same bytes but one, and what is none", () => {
  assertEquals(fromBase64Url("-_8"), Uint8Array.of(0xfb, 0xff));
  for (
    const [text, why] of [
      ["-_8=", "padding"],
      ["+/8", "the alphabet of base64"],
      ["-_9", "bits behind the last byte"],
      ["-_8\n", "a line feed"],
      [" -_8", "a blank"],
      ["-_8A-", "a length that no bytes have"],
      ["-_é", "another letter"],
    ] as const
  ) {
    assertEquals(fromBase64Url(text), undefined, why);
  }
});
