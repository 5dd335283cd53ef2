import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { isMark, newClientMark } from "../../lib/identity/client_mark.ts";
import { newSigningKey } from "../testing/ed25519.ts";

Deno.test("newClientMark tells clients apart, and of their services whether they are the same", async () => {
  const key = await newSigningKey();
  const [one, two, other] = await Promise.all(
    ["http://a:1", "http://a:1", "http://a:2"].map((serves) => newClientMark(serves, key)),
  );
  assert(one !== undefined && two !== undefined && other !== undefined);
  assertNotEquals(one.client, two.client);
  assertEquals(one.service, two.service);
  assertNotEquals(one.service, other.service);
  for (const part of [one.client, one.service]) assert(isMark(part), part);
});

Deno.test("newClientMark makes another mark of the same service for each key, and none of an unknown one", async () => {
  const marks = await Promise.all(
    [await newSigningKey(), await newSigningKey()].map((key) => newClientMark("http://a:1", key)),
  );
  assertNotEquals(marks[0]?.service, marks[1]?.service);
  assertEquals((await newClientMark("", await newSigningKey())).service, "");
});
