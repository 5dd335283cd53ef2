import { assert, assertEquals } from "@std/assert";
import Ajv from "ajv";
import { parse } from "@std/yaml/parse";
import { readConfig } from "../../lib/client/config/read_config.ts";
import { parseStartOptions } from "../../lib/client/start_options.ts";
import { configSchema } from "./config_schema.ts";

const ROOT = new URL("../../", import.meta.url);
const EXAMPLE = ".github/examples/config.yaml";

/** Mistakes of meaning, which a schema does not know: what follows the name in wrong.txt. */
const BEYOND: ReadonlySet<string> = new Set([
  "a server that is none",
  "the second of two servers",
  "a secret, which is not shown",
  "an address among those that are let in",
  "a service that is none",
  "a route that is none",
  "the mistake in the second of two places with the same name",
]);

Deno.test("the example of a config file is one by the client and by the schema", async () => {
  const text = await Deno.readTextFile(new URL(EXAMPLE, ROOT));
  assertEquals(mistakesIn(text), "");
  const config = readConfig(`/home/me/${EXAMPLE}`, text);
  const command = parseStartOptions([], { HOME: "/home/me" }, { os: "linux", config });
  assert(command.kind === "run");
  const { tunnels } = command.options;
  assertEquals(tunnels.map(({ tunnel, label }) => [tunnel, label]), [
    ["web", "web"],
    ["api", "api"],
    ["docs", "docs"],
  ]);
  assertEquals(tunnels.map(({ isInspected }) => isInspected), [true, true, false]);
});

Deno.test("the schema of the config file refuses what the client refuses, as far as the form goes", async () => {
  const wrong = await Deno.readTextFile(new URL("tests/testdata/config/wrong.txt", ROOT));
  const missed: string[] = [];
  for (const story of wrong.split(/^=== /m).slice(1)) {
    const [, name = "", text = ""] = /^(.*)\n([^]*)^--- /m.exec(story) ?? [];
    if (!BEYOND.has(name) && mistakesIn(text) === "") missed.push(name);
  }
  assertEquals(missed, []);
});

/** Says what an editor would say of a text. */
function mistakesIn(text: string): string {
  let value: unknown;
  try {
    value = parse(text, { schema: "core" });
  } catch (error) {
    return String(error);
  }
  const ajv = new Ajv();
  const isRight = ajv.validate(JSON.parse(configSchema()), value);
  return isRight ? "" : JSON.stringify(ajv.errors);
}
