import { assertEquals } from "@std/assert";
import { decisiveField } from "../../lib/client/decisive_field.ts";
import { CONNECTION_FIELDS } from "../../lib/http1/connection_field.ts";
import { toBytes } from "../testing/latin1.ts";

function decisive(name: string): string {
  return decisiveField(toBytes(`##${name}##`), 2, 2 + name.length);
}

Deno.test("decisiveField knows each field that connectionField names, and the one that Connection may name", () => {
  for (const name of [...CONNECTION_FIELDS, "close"]) assertEquals(decisive(name), name);
});

Deno.test("decisiveField knows no name that differs in a letter or in length", () => {
  for (const name of [...CONNECTION_FIELDS, "close"]) {
    for (let i = 0; i < name.length; i++) {
      assertEquals(decisive(`${name.slice(0, i)}_${name.slice(i + 1)}`), "");
      assertEquals(
        decisive(name.slice(0, i)),
        CONNECTION_FIELDS.has(name.slice(0, i)) ? name.slice(0, i) : "",
      );
    }
    assertEquals(decisive(`${name}s`), "");
  }
  assertEquals(decisive("x".repeat(5000)), "");
});
