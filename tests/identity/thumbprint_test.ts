import { assert, assertEquals, assertFalse, assertMatch, assertNotEquals } from "@std/assert";
import { isThumbprint, thumbprintOf, tunnelId } from "../../lib/identity/thumbprint.ts";
import { newSigningKey, RFC_8037_KEY } from "../testing/ed25519.ts";

/** RFC 8037 appendix A.3. */
const RFC_8037_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

Deno.test("thumbprintOf gives the thumbprint of RFC 8037 appendix A.3", async () => {
  assertEquals(await thumbprintOf(RFC_8037_KEY.publicKey), RFC_8037_THUMBPRINT);
});

Deno.test("tunnelId is the id that PROTOCOL.md works out, with and without a label", async () => {
  assertEquals(
    await tunnelId(RFC_8037_THUMBPRINT),
    "6nyfjbfosvudec2vhh7g2sby5h7a4ab3olvmmrwbwqo7wxgym3ca",
  );
  assertEquals(
    await tunnelId(RFC_8037_THUMBPRINT, "blog"),
    "55dy4heucvutjg3rl6eoeajbkq4bighvekbwj5r6pi4y6c6oo5aq",
  );
});

Deno.test("tunnelId keeps all 256 bits in letters that DNS takes for one in either case, and differs for each label", async () => {
  const ids = await Promise.all(["", "a", "b", "aa"].map((label) => tunnelId("x", label)));
  // 52 letters of 5 bits each hold a whole SHA-256, and are fewer than the 63 of a DNS label.
  for (const id of ids) assertMatch(id, /^[a-z2-7]{52}$/);
  assertEquals(new Set(ids).size, ids.length);
});

Deno.test("thumbprintOf differs for each key, and isThumbprint knows what it gives", async () => {
  for (let i = 0; i < 50; i++) {
    const { publicKey } = await newSigningKey();
    const thumbprint = await thumbprintOf(publicKey);
    assertNotEquals(thumbprint, RFC_8037_THUMBPRINT);
    assert(isThumbprint(thumbprint));
  }
  for (const text of ["", "a", `${RFC_8037_THUMBPRINT}A`, RFC_8037_THUMBPRINT.slice(1)]) {
    assertFalse(isThumbprint(text), text);
  }
});
