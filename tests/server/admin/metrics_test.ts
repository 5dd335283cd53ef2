import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Metrics } from "../../../lib/server/admin/metrics.ts";

/** Reads the text as strictly as promtool does and returns each sample's value by its name and labels. */
function read(text: string): Map<string, string> {
  assert(text === "" || text.endsWith("\n"), "the last line ends with a line feed");
  const samples = new Map<string, string>();
  const types = new Map<string, string>();
  let family = "";
  for (const line of text.split("\n").slice(0, -1)) {
    const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (?:[^\\\n]|\\[\\n])*$/.exec(line);
    const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/.exec(line);
    if (help !== null) {
      family = help[1] ?? "";
      assert(!types.has(family), `${family} appears in one group`);
      types.set(family, "");
      continue;
    }
    if (type !== null) {
      assertEquals(type[1], family, "TYPE follows its HELP");
      types.set(family, type[2] ?? "");
      continue;
    }
    const sample =
      /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*\})? (NaN|[+-]Inf|[0-9.e+-]+)$/
        .exec(line);
    assert(sample !== null, `not a line of the format: ${line}`);
    const [, name = "", labels = "", value = ""] = sample;
    const base = types.get(family) === "histogram"
      ? name.replace(/_(bucket|sum|count)$/, "")
      : name;
    assertEquals(base, family, "a sample stands under its own TYPE");
    assert(types.get(family) !== "", "TYPE comes before the first sample");
    assert(!samples.has(name + labels), `${name}${labels} appears once`);
    samples.set(name + labels, value);
  }
  return samples;
}

Deno.test("Metrics renders counters and gauges with HELP and TYPE in the order they were added", () => {
  const metrics = new Metrics();
  const served = metrics.counter("served_total", "Requests served.");
  let open = 10;
  metrics.gauge("open", "Open now.", () => open);
  served.inc();
  served.inc(4);
  open = 8;
  assertEquals(
    metrics.render(),
    "# HELP served_total Requests served.\n# TYPE served_total counter\nserved_total 5\n" +
      "# HELP open Open now.\n# TYPE open gauge\nopen 8\n",
  );
});

Deno.test("Metrics gives one held child for each set of label values", () => {
  const metrics = new Metrics();
  const requests = metrics.counter("requests_total", "By class.", ["class", "method"]);
  const ok = requests.labels("2xx", "GET");
  ok.inc();
  requests.labels("2xx", "GET").inc();
  requests.labels("5xx", "GET").inc(3);
  const samples = read(metrics.render());
  assertEquals(samples.get('requests_total{class="2xx",method="GET"}'), "2");
  assertEquals(samples.get('requests_total{class="5xx",method="GET"}'), "3");
  assertEquals(samples.size, 2);
});

Deno.test("Metrics keeps label values apart whose texts join to the same", () => {
  const family = new Metrics().counter("a_total", "A.", ["x", "y"]);
  assert(family.labels('a","', "b") !== family.labels("a", '","b'));
});

Deno.test("Metrics escapes backslash, quote and line feed", () => {
  const metrics = new Metrics();
  metrics.counter("g", 'back\\slash "quoted"\nline', ["l"]).labels('a\\b"c\nd').inc();
  assertEquals(
    metrics.render(),
    '# HELP g back\\\\slash "quoted"\\nline\n# TYPE g counter\ng{l="a\\\\b\\"c\\nd"} 1\n',
  );
  read(metrics.render());
});

Deno.test("Metrics renders histograms cumulatively with +Inf, sum and count", () => {
  const metrics = new Metrics();
  const seconds = metrics.histogram("seconds", "Time.", [0.1, 1, 10]);
  for (const value of [0.05, 0.1, 0.5, 10, 11]) seconds.observe(value);
  const samples = read(metrics.render());
  assertEquals([...samples], [
    ['seconds_bucket{le="0.1"}', "2"],
    ['seconds_bucket{le="1"}', "3"],
    ['seconds_bucket{le="10"}', "4"],
    ['seconds_bucket{le="+Inf"}', "5"],
    ["seconds_sum", "21.65"],
    ["seconds_count", "5"],
  ]);
});

Deno.test("Metrics renders labelled histograms with le behind the labels", () => {
  const metrics = new Metrics();
  metrics.histogram("s", "T.", [1], ["class"]).labels("2xx").observe(2);
  assertEquals([...read(metrics.render())], [
    ['s_bucket{class="2xx",le="1"}', "0"],
    ['s_bucket{class="2xx",le="+Inf"}', "1"],
    ['s_sum{class="2xx"}', "2"],
    ['s_count{class="2xx"}', "1"],
  ]);
});

Deno.test("Metrics counts label values behind the bound under other", () => {
  const metrics = new Metrics();
  const family = metrics.counter("a_total", "A.", ["name", "kind"]);
  for (let i = 0; i < 1000; i++) family.labels(`name ${i}`, "k").inc();
  family.labels("name 5", "k").inc();
  const samples = read(metrics.render());
  assertEquals(samples.size, 101);
  assertEquals(samples.get('a_total{name="other",kind="other"}'), "900");
  assertEquals(samples.get('a_total{name="name 5",kind="k"}'), "2");
});

Deno.test("Metrics reads a gauge's callback at each scrape, and a throw is NaN alone", () => {
  const metrics = new Metrics();
  let value = 1;
  metrics.gauge("live", "L.", () => value);
  metrics.gauge("broken", "B.", () => {
    throw new Error("no");
  });
  assertEquals([...read(metrics.render()).values()], ["1", "NaN"]);
  value = 2;
  assertStringIncludes(metrics.render(), "live 2\n");
});

Deno.test("Metrics writes numbers as the format spells them", () => {
  const metrics = new Metrics();
  const values = [Infinity, -Infinity, NaN, 1e21, 1e-7, -0.5, 9007199254740991];
  for (const [i, value] of values.entries()) metrics.gauge(`g${i}`, "G.", () => value);
  assertEquals([...read(metrics.render()).values()], [
    "+Inf",
    "-Inf",
    "NaN",
    "1e+21",
    "1e-7",
    "-0.5",
    "9007199254740991",
  ]);
});

Deno.test("Metrics refuses wrong names, names twice, falling bounds and missing label values", () => {
  const metrics = new Metrics();
  metrics.counter("a_total", "A.");
  assertThrows(() => metrics.gauge("a_total", "A.", () => 1), RangeError, "already");
  for (const name of ["", "1a", "a-b", "a b", "é"]) {
    assertThrows(() => metrics.counter(name, "A."), RangeError, "not a metric's name");
  }
  for (const label of ["", "le", "__a", "a:b"]) {
    assertThrows(() => metrics.counter("b_total", "B.", [label]), RangeError, "not a label's name");
  }
  for (const bounds of [[1, 1], [2, 1], [NaN], [1, Infinity]]) {
    assertThrows(() => metrics.histogram("h", "H.", bounds), RangeError, "must be finite and rise");
  }
  assertThrows(() => metrics.counter("c_total", "C.", ["x"]).labels(), RangeError, "got 0 values");
});
