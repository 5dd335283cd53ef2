import { assertEquals } from "@std/assert";
import { TempDir } from "../testing/temp_dir.ts";
import { complaintsOf } from "./deno_complaints.ts";

const FILE = new URL("../../.github/deploy/grafana-dashboard.json", import.meta.url);

/** Where Grafana declares the options of each kind of panel that the dashboard has. */
const PANEL_TYPES = new Map([
  ["stat", "stat/panelcfg/x/StatPanelCfg_types.gen.d.ts"],
  ["timeseries", "timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen.d.ts"],
]);

interface Panel {
  readonly type: string;
  readonly options: object;
}

/**
 * Grafana's types say which members there are and of which type. They do not say what a data source takes for a query,
 * and of a panel's options what is left out is Grafana's default.
 */
Deno.test("The dashboard has the members that Grafana declares for it, and no others", async () => {
  const text = await Deno.readTextFile(FILE);
  const { panels }: { readonly panels: readonly Panel[] } = JSON.parse(text);
  const types = [...PANEL_TYPES].map(([kind, path]) => {
    const module = `@grafana/schema/dist/types/raw/composable/${path}`;
    return `import type { Options as ${kind} } from "${module}";`;
  });
  const options = panels.map(({ type, options }, i) =>
    `export const options${i}: Part<${type}> = ${JSON.stringify(options)};`
  );
  const source = [
    'import type { Dashboard } from "@grafana/schema";',
    ...types,
    HELPERS,
    `export const dashboard: Written<Dashboard> = ${text};`,
    ...options,
    ...WRONG.map((line) => `// @ts-expect-error: a mistake\n${line}`),
  ].join("\n");
  await using folder = await TempDir.make();
  const file = `${folder.path}/dashboard.ts`;
  await Deno.writeTextFile(file, source);
  assertEquals(await complaintsOf(["check", "--config", "deno.json", file]), "");
});

/** JSON has the texts of enumerations and not their names. */
const HELPERS = `
type Written<T> = T extends string ? \`\${T}\`
  : T extends readonly (infer Each)[] ? Written<Each>[]
  : T extends object ? { [Name in keyof T]: Written<T[Name]> }
  : T;
type Part<T> = T extends string ? \`\${T}\`
  : T extends readonly (infer Each)[] ? Part<Each>[]
  : T extends object ? { [Name in keyof T]?: Part<T[Name]> }
  : T;
`;

/** Mistakes that would be found, or else this test would look at nothing. */
const WRONG = [
  'export const wrong0: Written<Dashboard> = { schemaVersion: 39, refreshes: "30s" };',
  'export const wrong1: Written<Dashboard> = { schemaVersion: "39" };',
  'export const wrong2: Written<Dashboard> = { schemaVersion: 39, panels: [{ title: "no type" }] };',
  'export const wrong3: Written<Dashboard> = { schemaVersion: 39, templating: { list: [{ name: "a", type: "qery" }] } };',
  'export const wrong4: Part<timeseries> = { legend: { placement: "above" } };',
  'export const wrong5: Part<stat> = { colormode: "none" };',
];
