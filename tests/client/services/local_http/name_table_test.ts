import { assertEquals, assertThrows } from "@std/assert";
import { NameTable } from "../../../../lib/client/services/local_http/name_table.ts";
import { CONNECTION_FIELDS } from "../../../../lib/http/connection_field.ts";
import { HOP_BY_HOP } from "../../../../lib/http/fields.ts";
import { toBytes } from "../../../testing/latin1.ts";

const NAMES: ReadonlySet<string> = new Set(["host", ...CONNECTION_FIELDS, ...HOP_BY_HOP]);
const table = new NameTable(NAMES);

function find(name: string): string {
  return table.find(toBytes(`##${name}##`), 2, 2 + name.length);
}

Deno.test("NameTable.find returns each of its names", () => {
  for (const name of NAMES) assertEquals(find(name), name);
});

Deno.test("NameTable.find knows no name that differs in a letter or in length", () => {
  for (const name of NAMES) {
    for (let i = 0; i < name.length; i++) {
      assertEquals(find(`${name.slice(0, i)}_${name.slice(i + 1)}`), "");
      const shorter = name.slice(0, i);
      assertEquals(find(shorter), NAMES.has(shorter) ? shorter : "");
    }
    assertEquals(find(`${name}_`), "");
  }
  assertEquals(find("x".repeat(5000)), "");
});

Deno.test("NameTable refuses names that it could not tell apart", () => {
  assertThrows(() => new NameTable(["accept", "age", "access"]), RangeError);
});
