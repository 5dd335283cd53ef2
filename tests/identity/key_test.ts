import { assert, assertEquals, assertFalse } from "@std/assert";
import { encodeBase64Url } from "@std/encoding/base64url";
import { encodeHex } from "@std/encoding/hex";
import { decodeBase64UrlExactly, isWeakKey } from "../../lib/identity/key.ts";
import {
  encodingsAbovePrime,
  lowOrderEncodings,
  newSigningKey,
  RFC_8037_KEY,
} from "../testing/ed25519.ts";

Deno.test("decodeBase64UrlExactly decodes what encodes bytes of any length", () => {
  for (let length = 0; length < 70; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => 251 * (i + length));
    assertEquals(decodeBase64UrlExactly(encodeBase64Url(bytes)), bytes);
  }
});

Deno.test("decodeBase64UrlExactly refuses every text of the same bytes but one, and what is none", () => {
  assertEquals(decodeBase64UrlExactly("-_8"), Uint8Array.of(0xfb, 0xff));
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
    assertEquals(decodeBase64UrlExactly(text), undefined, why);
  }
});

Deno.test("isWeakKey knows every encoding of every point of low order", () => {
  const encodings = lowOrderEncodings();
  assertEquals(encodings.length, 14, "five y, two of them encoded twice, each with either sign");
  for (const encoding of encodings) assert(isWeakKey(encoding), encodeHex(encoding));
});

Deno.test("isWeakKey knows every encoding that is not canonical", () => {
  const encodings = encodingsAbovePrime();
  assertEquals(encodings.length, 38);
  for (const encoding of encodings) assert(isWeakKey(encoding), encodeHex(encoding));
});

Deno.test("isWeakKey lets ordinary keys pass and does not change them", async () => {
  assertFalse(isWeakKey(RFC_8037_KEY.publicKey));
  for (let i = 0; i < 50; i++) {
    const { publicKey: raw } = await newSigningKey();
    const before = raw.slice();
    assertFalse(isWeakKey(raw));
    assertEquals(raw, before);
  }
});
