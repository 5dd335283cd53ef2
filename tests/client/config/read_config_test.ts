import { assertEquals, assertThrows } from "@std/assert";
import { readConfig } from "../../../lib/client/config/read_config.ts";
import { ProgramError } from "../../../lib/cli/program.ts";

const FOLDER = "/home/me/.config/tunnel";
const PATH = `${FOLDER}/config.yaml`;

/** Windows has other paths. */
const ignore = Deno.build.os === "windows";

Deno.test("readConfig takes flags at the top, defaults, and tunnels in long and in short", {
  ignore,
}, () => {
  const config = readConfig(
    PATH,
    `
# The office's server.
server: [https://a.example, b.example]
token: 007          # of digits, and still a text
key: work.pem
inspect: off

defaults:
  allow-ip: [10.0.0.0/8, "::1"]
  insecure-origin: true
tunnels:
  web: 3000
  api:
    service: ./dist
    name: shop
    allow-ip: 192.0.2.1
    inspect: off
  both:
    route: [/api=4000, /=./dist]
  pairs:
    route: { /api: 4000, /: ./dist }
    set-request-header:
      - X-Env: dev
      - "X-Two: 2"
`,
  );
  assertEquals(Object.fromEntries(config.client), {
    server: ["https://a.example", "b.example"],
    token: ["007"],
    key: [`${FOLDER}/work.pem`],
    inspect: ["off"],
  });
  const defaults = { "allow-ip": ["10.0.0.0/8,::1"], "insecure-origin": ["true"] };
  assertEquals(Object.fromEntries(config.defaults), defaults);
  const tunnels = [...config.tunnels].map(([name, { settings, ...section }]) =>
    [name, section, Object.fromEntries(settings)] as const
  );
  assertEquals(tunnels, [
    ["web", { service: "3000", isInspected: true }, defaults],
    ["api", { service: `${FOLDER}/dist`, isInspected: false }, {
      ...defaults,
      "allow-ip": ["192.0.2.1"],
      name: ["shop"],
    }],
    ["both", { service: null, isInspected: true }, {
      ...defaults,
      route: ["/api=4000", `/=${FOLDER}/dist`],
    }],
    ["pairs", { service: null, isInspected: true }, {
      ...defaults,
      route: ["/api=4000", `/=${FOLDER}/dist`],
      "set-request-header": ["X-Env: dev", "X-Two: 2"],
    }],
  ]);
  assertEquals(config.hasSecrets, true);
});

Deno.test("readConfig takes JSON, an empty file and one of comments", () => {
  const config = readConfig(PATH, '{"server": "a.example", "tunnels": {"web": {"service": 3000}}}');
  assertEquals(config.client.get("server"), ["a.example"]);
  assertEquals([...config.tunnels.keys()], ["web"]);
  for (const empty of ["", "\n", "# nothing yet\n", "---\n"]) {
    assertEquals(readConfig(PATH, empty).client.size, 0);
  }
});

Deno.test("readConfig says of each wrong file where the mistake is, and what was meant", async (t) => {
  const text = await Deno.readTextFile(new URL("../../testdata/config/wrong.txt", import.meta.url));
  const cases = text.split(/^=== /m).slice(1);
  assertEquals(cases.length >= 30, true, `${cases.length} files`);
  for (const story of cases) {
    const [, name = "", file = "", message] = /^(.*)\n([^]*)^--- (.*)\n/m.exec(story) ?? [];
    await t.step(name, () => {
      const error = assertThrows(() => readConfig("config.yaml", file), ProgramError);
      assertEquals(error.message, `config.yaml:${message}`);
      assertEquals(error.exitStatus, 2);
    });
  }
});
