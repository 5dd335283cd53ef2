import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { isLikeId, whyReserved } from "../../../lib/server/access/reserved_names.ts";
import { isLabel } from "../../../lib/identity/claim.ts";
import { tunnelId } from "../../../lib/identity/thumbprint.ts";

Deno.test("whyReserved keeps back what visitors, mail and operating systems take for the operator's", () => {
  for (const name of ["www", "api", "admin", "mail", "proxy", "localhost", "wpad", "postmaster"]) {
    assertEquals(whyReserved(name), "it is reserved", name);
  }
  for (const name of ["shop", "blog", "www-shop", "api2", "a", "0"]) {
    assertEquals(whyReserved(name), null, name);
  }
});

Deno.test("whyReserved keeps back every name with the form of an id: its hostname is a key's own", async () => {
  for (const label of ["", "blog"]) {
    const id = await tunnelId("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", label);
    assert(isLikeId(id) && isLabel(id));
    assertStringIncludes(whyReserved(id) ?? "", "id");
    assertEquals(whyReserved(id.slice(1)), null);
    assertEquals(whyReserved(`${id.slice(1)}0`), null, "base32 has no 0");
  }
});

Deno.test("whyReserved keeps back labels that are shown as others (RFC 5890)", () => {
  for (const name of ["xn--pypal-4ve", "ab--c"]) assert(whyReserved(name) !== null, name);
  assertEquals(whyReserved("abc--d"), null);
});
