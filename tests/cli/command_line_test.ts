import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  type Command,
  type CommandLine,
  type Environment,
  parseCommandLine,
  UsageError,
} from "../../lib/cli/command_line.ts";
import {
  choiceFlag,
  durationFlag,
  flagName,
  integerFlag,
  listFlag,
  parseInteger,
  switchFlag,
  textFlag,
} from "../../lib/cli/flags.ts";

interface Values {
  readonly port: number;
  readonly publicUrl: string | undefined;
  readonly once: boolean;
  readonly server: readonly number[];
  readonly level: "low" | "high";
  readonly timeout: number;
}

const COMMAND: Command<Values> = {
  name: "thing",
  summary: "Does a thing.",
  usage: "[flags] [name]",
  maxPositionals: 1,
  flags: {
    port: integerFlag({
      group: "Listening",
      help: "where to listen",
      default: 6519,
      least: 0,
      most: 65_535,
      extraVariables: ["PORT"],
    }),
    publicUrl: textFlag({ group: "Listening", help: "what visitors type", default: undefined }),
    once: switchFlag({ group: "Running", help: "stop soon" }),
    server: listFlag("<number>", (text) => parseInteger(text, 1, 9), {
      group: "Running",
      help:
        "which servers, of which there may be several, and this sentence is long enough to wrap",
      default: [7],
    }),
    level: choiceFlag(["low", "high"], { group: "Running", help: "how much", default: "low" }),
    timeout: durationFlag({ group: "Running", help: "wait", default: 30_000, defaultText: "30s" }),
  },
};

const DEFAULTS: Values = {
  port: 6519,
  publicUrl: undefined,
  once: false,
  server: [7],
  level: "low",
  timeout: 30_000,
};

function parse(args: string[], environment: Environment = {}): CommandLine<Values> {
  return parseCommandLine(COMMAND, args, environment);
}

function values(args: string[], environment: Environment = {}): Values {
  const line = parse(args, environment);
  assert(line.kind === "run");
  return line.values;
}

function refuses(args: string[], message: string, environment: Environment = {}): void {
  const error = assertThrows(() => parse(args, environment), UsageError);
  assertEquals(error.message, message);
  assertEquals(error.code, "USAGE");
}

Deno.test("parseCommandLine gives the defaults when nothing is said", () => {
  assertEquals(values([]), DEFAULTS);
});

Deno.test("flagName spells the name of an option with hyphens", () => {
  assertEquals(["port", "publicUrl", "maxVisitorStreams"].map(flagName), [
    "port",
    "public-url",
    "max-visitor-streams",
  ]);
});

Deno.test("parseCommandLine reads each kind of flag, with a space and with =", () => {
  assertEquals(
    values(
      "--port 80 --public-url=http://a/?b=c --once --server 1 --server=2 --level high --timeout 1.5m"
        .split(" "),
    ),
    {
      port: 80,
      publicUrl: "http://a/?b=c",
      once: true,
      server: [1, 2],
      level: "high",
      timeout: 90_000,
    },
  );
});

Deno.test("parseCommandLine reads switches with true or false, and nothing else", () => {
  assertEquals(values(["--once=false"]).once, false);
  assertEquals(values(["--once=true"]).once, true);
  assertEquals(values(["--once", "false"]).once, false);
  refuses(["--once=maybe"], '--once must be true or false, not "maybe"');
  refuses(["--once="], '--once must be true or false, not ""');
});

Deno.test("parseCommandLine leaves the word behind a switch alone", () => {
  const line = parse(["--once", "8080"]);
  assert(line.kind === "run");
  assertEquals([line.values.once, line.positionals], [true, ["8080"]]);
});

Deno.test("parseCommandLine gives positionals as they were typed, also behind --", () => {
  for (const word of ["0x10", "007", "1e3", "-", ""]) {
    const line = parse([word]);
    assert(line.kind === "run");
    assertEquals(line.positionals, [word]);
  }
  const line = parse(["--", "--once"]);
  assert(line.kind === "run");
  assertEquals([line.positionals, line.values.once], [["--once"], false]);
  refuses(["a", "b"], 'unexpected argument "b"');
});

Deno.test("parseCommandLine takes the environment under the flags", () => {
  const environment = {
    TUNNEL_PORT: "1",
    TUNNEL_ONCE: "1",
    TUNNEL_SERVER: "3, 4,",
    TUNNEL_LEVEL: "high",
  };
  assertEquals(values([], environment), {
    ...DEFAULTS,
    port: 1,
    once: true,
    server: [3, 4],
    level: "high",
  });
  assertEquals(values(["--port", "2", "--server", "5", "--once=false"], environment), {
    ...DEFAULTS,
    port: 2,
    server: [5],
    level: "high",
  });
});

Deno.test("parseCommandLine asks extra variables last, and takes an empty one for none", () => {
  assertEquals(values([], { PORT: "5" }).port, 5);
  assertEquals(values([], { PORT: "5", TUNNEL_PORT: "6" }).port, 6);
  assertEquals(values([], { PORT: "5", TUNNEL_PORT: "" }).port, 5);
  assertEquals(values([], { PORT: " ", TUNNEL_ONCE: "" }), DEFAULTS);
  assertEquals(
    values([], (name) => name === "TUNNEL_PUBLIC_URL" ? "http://a" : undefined).publicUrl,
    "http://a",
  );
});

Deno.test("parseCommandLine says which variable holds the bad value", () => {
  refuses([], 'TUNNEL_PORT must be a whole number from 0 to 65535, not "x"', { TUNNEL_PORT: "x" });
  refuses([], 'PORT must be a whole number from 0 to 65535, not "-1"', { PORT: "-1" });
  refuses([], 'TUNNEL_ONCE must be true or false, not "maybe"', { TUNNEL_ONCE: "maybe" });
  assertEquals(values(["--port", "1"], { TUNNEL_PORT: "x" }).port, 1, "a flag hides it");
});

Deno.test("parseCommandLine tells which flags stood on the command line", () => {
  const line = parse(["--port=1", "--once"], { TUNNEL_LEVEL: "high" });
  assert(line.kind === "run");
  assertEquals([...line.given], ["port", "once"]);
});

Deno.test("parseCommandLine refuses an unknown flag and suggests a near one", () => {
  refuses(["--prot", "80"], "unknown flag --prot; did you mean --port?");
  refuses(["--public=x"], "unknown flag --public; did you mean --public-url?");
  refuses(["--public_url=x"], "unknown flag --public_url; did you mean --public-url?");
  refuses(["-port", "80"], "unknown flag -port; did you mean --port?");
  refuses(["--Port=1"], "unknown flag --Port; did you mean --port?");
  refuses(["-p", "80"], "unknown flag -p");
  refuses(["-p80"], "unknown flag -p80");
  refuses(["--colour"], "unknown flag --colour");
  refuses(["-_", "1"], "unknown flag -_");
  refuses(["--port.x=1"], "unknown flag --port.x; did you mean --port?");
  refuses(["---port=1"], "unknown flag ---port; did you mean --port?");
  refuses(["--x\x1b[2J"], "unknown flag --x\\u001b[2J");
});

Deno.test("parseCommandLine knows no negated flag", () => {
  refuses(["--no-once"], "unknown flag --no-once");
  refuses(["--no-port=80"], "unknown flag --no-port");
  refuses(["--no-once=true"], "unknown flag --no-once");
});

Deno.test("parseCommandLine takes names that an object would inherit for unknown", () => {
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty", "_"]) {
    refuses([`--${name}=1`], `unknown flag --${name}`);
    refuses([`--${name}`, "1"], `unknown flag --${name}`);
  }
});

Deno.test("parseCommandLine refuses a flag twice unless it is a list", () => {
  refuses(["--port", "1", "--port=2"], "--port is given more than once");
  refuses(["--once", "--once"], "--once is given more than once");
});

Deno.test("parseCommandLine refuses a missing value and eats no flag for it", () => {
  refuses(["--port"], "--port needs a value");
  refuses(["--port="], "--port needs a value");
  refuses(["--port", ""], "--port needs a value");
  refuses(["--port", "--once"], "--port needs a value");
  refuses(["--server", "1", "--server"], "--server needs a value");
  refuses(["--port", "-h2"], '--port must be a whole number from 0 to 65535, not "-h2"');
});

Deno.test("parseCommandLine says what is wrong with a value that begins with a hyphen", () => {
  refuses(["--port", "-1"], '--port must be a whole number from 0 to 65535, not "-1"');
  refuses(["--timeout", "-5s"], '--timeout must be a time such as 30s, 500ms or 2m, not "-5s"');
  refuses(["--port", "-1", "--port", "2"], "--port is given more than once");
});

Deno.test("parseCommandLine refuses bad values with what was expected and what was seen", () => {
  for (const port of ["65536", "1.5", "0x10", "1e3", " 80", "eighty", "9".repeat(30)]) {
    refuses(
      [`--port=${port}`],
      `--port must be a whole number from 0 to 65535, not ${JSON.stringify(port)}`,
    );
  }
  refuses(["--level=mid"], '--level must be low or high, not "mid"');
  refuses(
    ["--server=1", "--server=x"],
    '--server must be a whole number from 1 to 9, not "1", "x"',
  );
  refuses(["--port=a\nb"], '--port must be a whole number from 0 to 65535, not "a\\nb"');
  const long = assertThrows(() => parse([`--port=${"x".repeat(5000)}`]), UsageError);
  assert(long.message.length < 200);
});

Deno.test("parseCommandLine reads times with a unit, and refuses others", () => {
  const time = (text: string) => values([`--timeout=${text}`]).timeout;
  assertEquals(["1ms", "30s", "0.5s", "2m", "1h"].map(time), [1, 30_000, 500, 120_000, 3_600_000]);
  for (const text of ["30", "0s", "s", "1d", "-1s", "1 s", "1e3s", "infinity", ".5s"]) {
    refuses(
      [`--timeout=${text}`],
      `--timeout must be a time such as 30s, 500ms or 2m, not ${JSON.stringify(text)}`,
    );
  }
  refuses(["--timeout=9999h"], '--timeout must be at most 24 days, not "9999h"');
});

Deno.test("parseCommandLine shows help and version whatever else is there", () => {
  assertEquals(parse(["--version"]).kind, "version");
  for (const args of [["--help"], ["-h"], ["--nonsense", "--help"], ["--port", "--help"]]) {
    assertEquals(parse(args).kind, "help", args.join(" "));
  }
  assertEquals(parse(["--", "--help"]).kind, "run");
});

Deno.test("parseCommandLine aligns its help in groups within 80 columns", () => {
  const line = parse(["--help"]);
  assert(line.kind === "help");
  for (const row of line.text.split("\n")) assert(row.length <= 80, row);
  assertStringIncludes(line.text, "Does a thing.\n\nUsage: thing [flags] [name]\n\nListening:\n");
  assertStringIncludes(line.text, "  --port <number>         where to listen (default: 6519)\n");
  assertStringIncludes(line.text, "  --once                  stop soon\n");
  assertStringIncludes(line.text, "\n  --level <low|high>      how much (default: low)\n");
  assertStringIncludes(line.text, "wait (default: 30s)");
  assertStringIncludes(line.text, "\nOther:\n  -h, --help              show this\n");
  assertStringIncludes(line.text, "TUNNEL_LOG_LEVEL");
});
