import { CERTIFICATE } from "../testing/certificate.ts";
import { Program } from "../testing/program.ts";
import { findTool, runTool, type SuiteReport } from "./tool.ts";

const H2SPEC = {
  names: ["h2spec"],
  install: "go install github.com/summerwind/h2spec/cmd/h2spec@latest",
};

/** Some cases depend on whether the answer or the fault is there first, so each server is asked several times. */
const RUNS = 4;
/** Seconds for all cases, of which each waits two at most. */
const LIMIT = 400;

const PLAIN = "Deno.serve";

/** Runs h2spec against the server's TLS listener, own page and tunnel, and against plain `Deno.serve`. */
export async function h2spec(): Promise<SuiteReport> {
  const tool = await findTool(H2SPEC);
  const { certFile, keyFile } = CERTIFICATE;
  const pems = { cert: await Deno.readTextFile(certFile), key: await Deno.readTextFile(keyFile) };
  const address = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const handler = () => new Response("hello\n");
  await using plain = Deno.serve({ ...address, ...pems }, handler);
  await using origin = Deno.serve(address, handler);

  const listen = ["--port", "0", "--hostname", "127.0.0.1"];
  const tls = ["--tls-cert", certFile, "--tls-key", keyFile];
  await using server = await Program.start("server.ts", [...listen, ...tls]);
  await using client = await Program.start(
    "client.ts",
    ["--server", server.url.origin, `http://127.0.0.1:${origin.addr.port}`],
    { env: { DENO_CERT: certFile } },
  );
  const [id = ""] = client.url.hostname.split(".");

  const lines = ["| server | cases | passed in each run | failed |", "| - | - | - | - |"];
  const failures = new Map<string, Map<string, number>>();
  for (
    const [name, port, path] of [
      [PLAIN, plain.addr.port, "/"],
      ["the server's own page", server.url.port, "/"],
      ["a tunnel", server.url.port, `/proxy/request/${id}/`],
    ] as const
  ) {
    const runs = [];
    for (let run = 0; run < RUNS; run++) runs.push(await runOnce(tool, `${port}`, path));
    const counts = new Map<string, number>();
    for (const one of runs.flatMap(({ failed }) => failed)) {
      counts.set(one, (counts.get(one) ?? 0) + 1);
    }
    failures.set(name, counts);
    const passed = runs.map((run) => run.passed).join(", ");
    lines.push(`| ${name} | ${runs[0]?.total} | ${passed} | ${counts.size} at least once |`);
  }
  for (const [name, counts] of failures) {
    lines.push("", `${name} fails:`, ...[...counts].map(([one, count]) => `  ${count} × ${one}`));
  }
  const denos = failures.get(PLAIN);
  // What passes at times is a question of which is first, the answer or the fault.
  const always = [...failures.values()].flatMap((counts) =>
    [...counts].filter(([, count]) => count === RUNS).map(([one]) => one)
  );
  return { lines, faults: [...new Set(always)].filter((one) => !denos?.has(one)) };
}

interface Run {
  readonly total: string;
  readonly passed: string;
  readonly failed: readonly string[];
}

async function runOnce(tool: string, port: string, path: string): Promise<Run> {
  const target = ["--host", "localhost", "--port", port, "--path", path];
  const { output } = await runTool(tool, [...target, "--tls", "--insecure", "--strict"], {
    limit: LIMIT,
  });
  const [, total, passed] = /(\d+) tests, (\d+) passed/.exec(output) ?? [];
  if (total === undefined || passed === undefined) {
    throw new Error(`h2spec counted nothing: ${output.slice(-2_000)}`);
  }
  return { total, passed, failed: failuresIn(output) };
}

/** Reads the list of failures behind the results: headings such as `6.9.1. The Flow-Control Window`, then cases. */
function failuresIn(output: string): string[] {
  const [, list = ""] = output.split(/^Failures:\s*$/m);
  const failures: string[] = [];
  let section = "";
  for (const line of list.split("\n")) {
    const heading = /^\s*(\d+(?:\.\d+)*)\. /.exec(line)?.[1];
    if (heading !== undefined) section = heading;
    const text = /^\s*(?:×|✗|x) (\d+: .*)$/.exec(line)?.[1];
    if (text !== undefined) failures.push(`${section}/${text}`);
  }
  return failures;
}
