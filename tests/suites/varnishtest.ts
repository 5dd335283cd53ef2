import { freePort } from "../testing/free_port.ts";
import { LISTENER } from "../testing/program.ts";
import { startServer, startTunnel } from "../testing/tunnel.ts";
import { findTool, runTool, type SuiteReport } from "./tool.ts";

const VARNISHTEST = { names: ["varnishtest"], install: "apt-get install varnish" };

/** Seconds for one scenario, as varnishtest counts them, and until it is ended. */
const SCENARIO_LIMIT = 20;
const LIMIT = 30;

/**
 * With the listener own, a visitor that has left amid an answer of known length, of which nothing comes, is found out by this
 * timeout alone.
 */
const STALL = LISTENER === "own" ? ["--stall-timeout", "2s"] : [];

const FOLDER = new URL("vtc/", import.meta.url);

/** Runs the scenarios of `vtc/`, each through a tunnel of its own: varnishtest is the visitor, and the service as well. */
export async function varnishtest(): Promise<SuiteReport> {
  const tool = await findTool(VARNISHTEST);
  await using server = await startServer(STALL);
  const names = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).toSorted();
  const faults: string[] = [];
  for (const name of names) {
    const origin = freePort();
    // A client that has none of the connections that the scenario before has closed.
    await using tunnel = await startTunnel({ server, origin: { port: origin } });
    const macros = [
      `origin=127.0.0.1:${origin}`,
      `tunnel=127.0.0.1:${server.url.port}`,
      `host=${tunnel.host}`,
    ].map((macro) => `-D${macro}`);
    const args = [...macros, "-t", `${SCENARIO_LIMIT}`, name];
    const { code, output } = await runTool(tool, args, { cwd: FOLDER.pathname, limit: LIMIT });
    if (code !== 0) faults.push(`${name}: ${reasonIn(output)}`);
  }
  const passed = names.length - faults.length;
  return { lines: [`${passed} of ${names.length} scenarios passed`], faults };
}

/** Returns what did not hold, which varnishtest marks with four dashes. */
function reasonIn(output: string): string {
  const lines = output.split("\n").filter((line) => line.startsWith("----"));
  return lines.join("; ") || output.slice(-1_000);
}
