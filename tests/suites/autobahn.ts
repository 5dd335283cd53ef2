import { startTunnel } from "../testing/tunnel.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { EchoOrigin } from "./echo_origin.ts";
import { findTool, runTool, type SuiteReport } from "./tool.ts";

const WSTEST = {
  names: ["wstest"],
  install: "Python 2.7's `pip install virtualenv && python -m virtualenv wstest && " +
    "wstest/bin/pip install autobahntestsuite`, then put wstest/bin on the PATH",
};

/** Seconds for some 500 cases and three servers; it takes about five minutes on two cores. */
const LIMIT = 1_500;

/** The servers, in the order of the table: what ws does by itself, what Deno does by itself, and the tunnel. */
const WS = "ws";
const DENO = "Deno";
const TUNNEL = "tunnel";

/**
 * Runs Autobahn's fuzzing client, all of its cases, against an echo service through the tunnel, against the same
 * service directly, and against an echo of plain `Deno.serve`, whose WebSockets the tunnel's visitors meet.
 */
export async function autobahn(cases: readonly string[] = ["*"]): Promise<SuiteReport> {
  const wstest = await findTool(WSTEST);
  await using origin = await EchoOrigin.start();
  await using tunnel = await startTunnel({ origin });
  await using folder = await TempDir.make();
  const { port } = tunnel.server.url;
  const servers = [
    { agent: WS, url: `ws://127.0.0.1:${origin.port}/` },
    { agent: DENO, url: `ws://127.0.0.1:${origin.denoPort}/` },
    // By path: the names of tunnels do not resolve everywhere.
    { agent: TUNNEL, url: `ws://127.0.0.1:${port}/proxy/request/${tunnel.id}/` },
  ];
  const options = { servers, cases, "exclude-cases": [], "exclude-agent-cases": {} };
  await Deno.writeTextFile(
    `${folder.path}/spec.json`,
    JSON.stringify({ ...options, outdir: `${folder.path}/reports` }),
  );
  const { output } = await runTool(wstest, ["-m", "fuzzingclient", "-s", "spec.json"], {
    cwd: folder.path,
    limit: LIMIT,
  });
  const index = `${folder.path}/reports/index.json`;
  const results = parseIndex(
    await Deno.readTextFile(index).catch(() => {
      throw new Error(`wstest wrote no report: ${output.slice(-2_000)}`);
    }),
  );
  const { output: versions } = await runTool(wstest, ["-a"], { limit: 60 });
  return report(versions.trim().replaceAll("\n", ", "), results);
}

/** What one case found at one server. */
interface CaseResult {
  readonly agent: string;
  readonly id: string;
  /** OK, NON-STRICT, INFORMATIONAL, UNIMPLEMENTED, FAILED … */
  readonly behavior: string;
  readonly behaviorClose: string;
}

function report(versions: string, results: readonly CaseResult[]): SuiteReport {
  const lines = [
    versions,
    "",
    `| cases | ${[WS, DENO, TUNNEL].join(" | ")} |`,
    "| - | - | - | - |",
  ];
  const groups = Map.groupBy(results, ({ id }) => id.split(".").slice(0, 1).join("."));
  for (const [group, all] of [...groups, ["all", results] as const]) {
    const cells = [WS, DENO, TUNNEL].map((agent) =>
      count(all.filter((one) => one.agent === agent))
    );
    lines.push(`| ${group}.* | ${cells.join(" | ")} |`);
  }
  const failed = (agent: string) =>
    results.filter((one) => one.agent === agent && isFailed(one)).map(({ id }) => id);
  for (const agent of [WS, DENO, TUNNEL]) lines.push(`${agent} fails: ${failed(agent).join(" ")}`);
  const denos = new Set(failed(DENO));
  return {
    lines,
    faults: failed(TUNNEL).filter((id) => !denos.has(id)).map((id) => `Autobahn ${id}`),
  };
}

function count(results: readonly CaseResult[]): string {
  const ways = Map.groupBy(results, (one) => isFailed(one) ? "FAILED" : one.behavior);
  return [...ways].map(([way, all]) => `${all.length} ${way}`).join(", ");
}

/** Tells whether a case failed; how a connection is closed counts as well. */
function isFailed({ behavior, behaviorClose }: CaseResult): boolean {
  return [behavior, behaviorClose].some((one) => /^(FAILED|WRONG CODE|UNCLEAN)/.test(one));
}

function parseIndex(text: string): CaseResult[] {
  const index: unknown = JSON.parse(text);
  const results: CaseResult[] = [];
  for (const [agent, cases] of Object.entries(index ?? {})) {
    for (const [id, result] of Object.entries(cases ?? {})) {
      if (typeof result !== "object" || result === null) continue;
      const { behavior = "", behaviorClose = "" }: Record<string, unknown> = { ...result };
      results.push({ agent, id, behavior: `${behavior}`, behaviorClose: `${behaviorClose}` });
    }
  }
  return results.toSorted((a, b) => a.id.localeCompare(b.id, "en", { numeric: true }));
}
