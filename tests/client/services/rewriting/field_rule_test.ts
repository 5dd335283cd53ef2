import { assertEquals, assertThrows } from "@std/assert";
import {
  changedFields,
  parseFieldName,
  parseFieldSetting,
} from "../../../../lib/client/services/rewriting/field_rule.ts";
import { requestHead } from "../../../testing/fake_incoming.ts";

Deno.test("parseFieldSetting reads a name, a colon and a value", () => {
  const visit = requestHead();
  const read = (text: string) => {
    const { name, value } = parseFieldSetting(text);
    return [name, value.fill(visit)];
  };
  assertEquals(read("X-Env: dev"), ["x-env", "dev"]);
  assertEquals(read("x-env:a: b "), ["x-env", "a: b"]);
  assertEquals(read("X-Empty:"), ["x-empty", ""]);
});

Deno.test("parseFieldSetting refuses what is no field", () => {
  const wrong: Readonly<Record<string, string>> = {
    "X-Env": "must be a name, a colon and a value: X-Env: dev",
    ": dev": "must have the name of a field before any colon",
    "X Env: dev": "must have the name of a field before any colon",
    "X-Env: a\r\nX-Other: b": "must have a value of printable ASCII",
    "X-Env: é": "must have a value of printable ASCII",
    "X-Env: {port}": "must have no places but {visitor}, {host} and {path}",
  };
  for (const [text, message] of Object.entries(wrong)) {
    assertThrows(() => parseFieldSetting(text), RangeError, message, text);
  }
});

Deno.test("parseFieldName refuses what frames, routes or ends at a hop, and says why", () => {
  const wrong: Readonly<Record<string, string>> = {
    "Content-Length": "must not change Content-Length: it says where the message ends",
    "Host": "must not change Host: the host header has an option of its own",
    "Expect": "must not change Expect: it asks the next server for an answer of its own",
    "Transfer-Encoding": "must not change Transfer-Encoding: it ends at each hop",
    "connection": "must not change connection: it ends at each hop",
    "Upgrade": "must not change Upgrade: it ends at each hop",
    "TE": "must not change TE: it ends at each hop",
    "Sec-WebSocket-Protocol":
      "must not change Sec-WebSocket-Protocol: the two ends of a WebSocket agree by it",
  };
  for (const [name, message] of Object.entries(wrong)) {
    assertThrows(() => parseFieldName(name), RangeError, message, name);
  }
  assertEquals(parseFieldName("X-Powered-By"), "x-powered-by");
});

Deno.test("changedFields puts what is set in the place of all fields of that name, and takes others away", () => {
  const visit = requestHead({
    target: "/a?b",
    fields: [["host", "app.example"], ["x-forwarded-for", "192.0.2.1, 10.0.0.1"]],
  });
  const set = ["X-Env: dev", "X-Real-IP: {visitor}", "X-Url: https://{host}{path}"];
  const rules = { set: set.map(parseFieldSetting), remove: ["server"] };
  assertEquals(
    changedFields([["x-env", "1"], ["a", "b"], ["x-env", "2"], ["server", "c"]], rules, visit),
    [
      ["a", "b"],
      ["x-env", "dev"],
      ["x-real-ip", "192.0.2.1"],
      ["x-url", "https://app.example/a?b"],
    ],
  );
});
