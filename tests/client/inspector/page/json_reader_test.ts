import { assertEquals } from "@std/assert";
import { type JSONNode, readJSON } from "../../../../lib/client/inspector/page/json_reader.ts";

Deno.test("readJSON reads what JSON.parse reads, without a fault", () => {
  const texts = [
    "null",
    " [] ",
    '{"a": {"b": [1, -2.5e3, true, false, null, "x\\n\\u00e9"]}, "": {}}',
    '"\\ud83d\\ude00"',
    "\n[[[]], {}]\r\n",
  ];
  for (const text of texts) {
    const { root, faults } = readJSON(text);
    assertEquals(faults, []);
    assertEquals(valueOf(root), JSON.parse(text));
  }
});

Deno.test("readJSON keeps numbers as they are spelt", () => {
  assertEquals(readJSON("12345678901234567890").root, {
    kind: "number",
    text: "12345678901234567890",
  });
});

const FAULTS: readonly (readonly [text: string, fault: string, value: unknown])[] = [
  ["", "1:1 the text ends where a value is expected", "?"],
  ["[1 2]", "1:4 a comma is missing", [1, 2]],
  ["[1,]", "1:3 nothing follows the last comma", [1]],
  ['{"a": 1,\n}', "1:8 nothing follows the last comma", { a: 1 }],
  ['{"a" 1}', "1:6 a colon is missing", { a: 1 }],
  ["{a: 1}", "1:2 a name must be a string in double quotes", { a: 1 }],
  ['{"a": 1, "a": 2}', '1:13 the name "a" stands there twice', { a: 2 }],
  ['["x', "1:2 a string without its closing quote", ["?"]],
  ['["\\x"]', "1:2 a string with a character or an escape that JSON does not have", ["?"]],
  ["[\n  yes]", "2:3 this is not a JSON value", ["?"]],
  ["[01]", "1:2 this is not a JSON value", ["?"]],
  ["[1", "1:3 the text ends within an array", [1]],
  ['{"a": [1}', "1:9 an array ends with }", { a: [1] }],
  ["1 2", "1:3 the value has ended, and more follows", 1],
];

for (const [text, fault, value] of FAULTS) {
  Deno.test(`readJSON says what is wrong with ${JSON.stringify(text)}, and reads the rest`, () => {
    const { root, faults } = readJSON(text);
    const [first] = faults;
    assertEquals(`${first?.line}:${first?.column} ${first?.message}`, fault);
    assertEquals(valueOf(root), value);
  });
}

Deno.test("readJSON marks brackets that are missing and commas that are wrong", () => {
  const { root } = readJSON("[1 2, 3,]");
  assertEquals(root.kind === "array" && [...root.wrongCommas], [0, 2]);
  assertEquals(root.kind === "array" && root.isClosed, true);
  const { root: open } = readJSON("[1");
  assertEquals(open.kind === "array" && open.isClosed, false);
});

Deno.test("readJSON comes to an end with every beginning and every mutation of a text", () => {
  const text = '{"a": [1, {"b": null}, "x\\"y"], "c": -1.5e3}';
  for (let at = 0; at <= text.length; at++) {
    readJSON(text.slice(0, at));
    for (const other of '{}[],:"\\x0 \n') readJSON(text.slice(0, at) + other + text.slice(at + 1));
  }
});

Deno.test("readJSON stops at values within too many others", () => {
  const { faults } = readJSON("[".repeat(100_000));
  assertEquals(faults[0]?.message, "values within more than 200 others are not shown");
});

/** Makes the value that a tree stands for; `?` for what is wrong. */
function valueOf(node: JSONNode): unknown {
  switch (node.kind) {
    case "object":
      return Object.fromEntries(node.members.map(({ key, value }) => [key, valueOf(value)]));
    case "array":
      return node.items.map(valueOf);
    case "string":
      return node.value;
    case "wrong":
      return "?";
    default:
      return JSON.parse(node.text);
  }
}
