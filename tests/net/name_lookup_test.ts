import { assertEquals } from "@std/assert";
import { addressesOf, lookupAmong } from "../../lib/net/name_lookup.ts";

Deno.test("addressesOf gives an address itself, both of this machine for localhost, and none for a name that has none", async () => {
  assertEquals(await addressesOf("192.0.2.1"), ["192.0.2.1"]);
  assertEquals(await addressesOf("2001:db8::1"), ["2001:db8::1"]);
  assertEquals(await addressesOf("a.localhost"), ["::1", "127.0.0.1"]);
  assertEquals(await addressesOf("name.invalid"), []);
});

Deno.test("lookupAmong answers with the addresses that are known", async () => {
  const lookup = lookupAmong(["::1", "127.0.0.1"]);
  const asked = (all: boolean) =>
    new Promise((resolve) => {
      lookup("a.example", { all }, (...answer) => resolve(answer));
    });
  assertEquals(await asked(true), [null, [
    { address: "::1", family: 6 },
    { address: "127.0.0.1", family: 4 },
  ]]);
  assertEquals(await asked(false), [null, "::1", 6]);
});
