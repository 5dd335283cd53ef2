import { assertEquals } from "@std/assert";
import { Specimens } from "../../lib/mux/specimens.ts";

Deno.test("Specimens keeps the objects of the latest request and none of those before", () => {
  const specimens = new Specimens();
  assertEquals(specimens.kept, []);
  const request = {};
  const response = {};
  specimens.keep({}, {});
  specimens.keep(request, response);
  assertEquals(specimens.kept.length, 2);
  assertEquals(specimens.kept[0] === request && specimens.kept[1] === response, true);
});
