import { assertEquals } from "@std/assert";
import { changedText, type Changes } from "../../../lib/client/config/write_config.ts";

const LOGIN: Changes = { server: "https://b.example", token: "t" };

const WRITTEN = 'server: "https://b.example"\ntoken: "t"\n';

Deno.test("changedText writes settings into an empty text, and behind the comment that a text begins with", () => {
  assertEquals(changedText("", LOGIN), WRITTEN);
  assertEquals(
    changedText("# mine\ntunnels:\n  web: 3000\n", LOGIN),
    `# mine\n${WRITTEN}tunnels:\n  web: 3000\n`,
  );
  assertEquals(changedText("# mine", LOGIN), `# mine\n${WRITTEN}`);
});

Deno.test("changedText changes what is there, and leaves the rest as it is, comments and strange spacing included", () => {
  const before = `
# The first line.
"server" : [https://a.example,
  https://c.example]   # both
token: >-
  abc
  def
# Those that run.
tunnels:
    web:   { service: 3000 }   # short
    server: 3000
`;
  assertEquals(
    changedText(before, LOGIN),
    `
# The first line.
server: "https://b.example"
token: "t"
# Those that run.
tunnels:
    web:   { service: 3000 }   # short
    server: 3000
`,
  );
  assertEquals(
    changedText("server:\n- a.example\n- b.example\nconnections: 3\n", LOGIN),
    `token: "t"\nserver: "https://b.example"\nconnections: 3\n`,
  );
});

Deno.test("changedText takes out what is not needed any more", () => {
  assertEquals(
    changedText("token: old\nserver: a.example\nqr: true\n", { server: "b.example", token: null }),
    'server: "b.example"\nqr: true\n',
  );
});

Deno.test("changedText changes nothing where it would lose something", () => {
  assertEquals(changedText('{"server": "a.example", "connections": 3}', LOGIN), null);
  assertEquals(changedText("- a list\n", LOGIN), null);
});
