import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Log, type LogLevel, type LogOptions } from "../../lib/cli/log.ts";

const NOON = new Date(2026, 0, 2, 12, 30, 1);

function textLog(level: LogLevel = "debug"): Log {
  return new Log({ format: "text", level, now: () => NOON });
}

function jsonLog(): Log {
  return new Log({
    format: "json",
    level: "debug",
    now: () => new Date("2026-01-02T03:04:05.006Z"),
  });
}

Deno.test("Log aligns time, level, message and fields in the text format", () => {
  const log = textLog();
  assertEquals(log.line("info", "it runs"), "12:30:01 info  it runs");
  assertEquals(
    log.line("error", "it broke", { id: "abc", status: 502, once: false, gone: undefined }),
    "12:30:01 error it broke  id=abc status=502 once=false",
  );
});

Deno.test("Log quotes what would read as a separator in the text format", () => {
  assertEquals(
    textLog().line("info", "m", { a: "x y", b: 'say "hi"', c: "", d: "k=v", e: "a\\b" }),
    String.raw`12:30:01 info  m  a="x y" b="say \"hi\"" c="" d="k=v" e="a\\b"`,
  );
});

Deno.test("Log writes time, level, message and fields as one JSON object", () => {
  const line = jsonLog().line("warn", "slow", { ms: 12, ok: true, gone: undefined, name: "é" });
  assertEquals(
    line,
    '{"time":"2026-01-02T03:04:05.006Z","level":"warn","message":"slow","ms":12,"ok":true,"name":"é"}',
  );
});

Deno.test("Log keeps its own JSON keys when a field has the same name", () => {
  const event = JSON.parse(jsonLog().line("info", "m", { level: "x", time: 1, message: "y" }));
  assertEquals([event.level, event.message, event.level_, event.time_, event.message_], [
    "info",
    "m",
    "x",
    1,
    "y",
  ]);
});

Deno.test("Log names numbers that JSON does not know", () => {
  const event = JSON.parse(jsonLog().line("info", "m", { a: NaN, b: -Infinity }));
  assertEquals([event.a, event.b], ["NaN", "-Infinity"]);
});

Deno.test("Log escapes whatever could end a line or drive a terminal, in both formats", () => {
  const hostile = "a\r\nb\x1b[2J\x00\x7f\x9b\u2028\u2029\u202e\ufeffc";
  for (const log of [textLog(), jsonLog()]) {
    const line = log.line("info", hostile, { [hostile]: hostile });
    assertEquals(line.match(/[\p{Cc}\p{Zl}\p{Zp}\p{Cf}]/gu), null, line);
    assertStringIncludes(line, String.raw`\u001b[2J`);
  }
  const event = JSON.parse(jsonLog().line("info", hostile, { [hostile]: hostile }));
  assertEquals(event.message, hostile);
  assertEquals(event[hostile], hostile);
});

Deno.test("Log takes field names that an object would inherit for ordinary ones", () => {
  const fields = Object.fromEntries([["__proto__", "p"], ["constructor", "c"]]);
  assertStringIncludes(jsonLog().line("info", "m", fields), '"constructor":"c"');
});

Deno.test("Log cuts values at 1024 characters, says how many are missing, and halves no character", () => {
  for (const log of [textLog(), jsonLog()]) {
    const line = log.line("info", "m".repeat(2000), {
      key: "v".repeat(1024),
      long: "w".repeat(1025),
    });
    assertStringIncludes(line, `${"m".repeat(1024)}…(976 more)`);
    assertStringIncludes(line, `${"v".repeat(1024)}`);
    assertStringIncludes(line, `${"w".repeat(1024)}…(1 more)`);
  }
  const cut: string = JSON.parse(jsonLog().line("info", "a".repeat(1023) + "😀😀")).message;
  assertEquals(cut, `${"a".repeat(1023)}…(4 more)`);
});

Deno.test("Log.line gives the empty string under its level, and nothing is written", () => {
  const lines: string[] = [];
  const log = new Log({ format: "text", level: "warn", write: (line) => lines.push(line) });
  assertEquals([log.line("debug", "m"), log.line("info", "m")], ["", ""]);
  assert(log.line("warn", "m") !== "" && log.line("error", "m") !== "");
  log.debug("no");
  log.info("no");
  log.warn("yes");
  log.error("yes");
  assertEquals(lines.length, 2);
});

Deno.test("Log.with adds its fields to each event, and an event's own field wins", () => {
  const log = textLog().with({ node: "a", id: 1 }).with({ id: 2 });
  assertEquals(log.line("info", "m", { x: 3 }), "12:30:01 info  m  node=a id=2 x=3");
  assertEquals(log.line("info", "m", { node: "b" }), "12:30:01 info  m  node=b id=2");
});

Deno.test("Log colours the level alone, and only when told to", () => {
  const log = new Log({ format: "text", level: "debug", colour: true, now: () => NOON });
  assertEquals(log.line("warn", "m", { a: 1 }), "12:30:01 \x1b[33mwarn \x1b[0m m  a=1");
  assert(!textLog().line("warn", "m").includes("\x1b"));
});

Deno.test("Log does not throw when its line cannot be written", () => {
  const log = new Log({
    format: "json",
    level: "debug",
    write: () => {
      throw new Deno.errors.BrokenPipe("closed");
    },
  });
  log.error("nobody reads this");
});

Deno.test("Log shows a terminal the shorter form of an event, and everybody else all of it", () => {
  const written = (options: Pick<LogOptions, "format" | "isTerminal">) => {
    const lines: string[] = [];
    const log = new Log({ ...options, level: "info", write: (line) => lines.push(line) })
      .with({ id: "a".repeat(52) });
    log.info("client registered", { key: "k" }, "+ shop");
    log.info("client registered", { key: "k" }, null);
    log.info("stopping");
    return lines.map((line) => line.replace(/^\S+ info {2}/, ""));
  };
  assertEquals(written({ format: "text", isTerminal: true }), [
    "+ shop",
    `stopping  id=${"a".repeat(52)}`,
  ]);
  for (const isTerminal of [true, false]) {
    const lines = written({ format: isTerminal ? "json" : "text", isTerminal });
    assertEquals(lines.length, 3);
    assertStringIncludes(lines[1] ?? "", "client registered");
  }
});
