import { assert, assertEquals } from "@std/assert";
import { metricNames } from "../structure/metric_table.ts";
import { eventually } from "../testing/eventually.ts";
import { freePort } from "../testing/free_port.ts";
import { isInstalled } from "../testing/front_proxy.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { startServer, startTunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";

const DEPLOY = new URL("../../.github/deploy/", import.meta.url).pathname;
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Deno.test("The alerts and the dashboard ask for metrics that a server has", async () => {
  const known = new Set(metricNames());
  const expressions = [...await alertExpressions(), ...await dashboardExpressions()];
  assert(expressions.length > 20);
  for (const expression of expressions) {
    const names = expression.match(/\btunnel_[a-z_]+\b/g) ?? [];
    const unknown = names.filter((name) => !known.has(name.replace(/_(?:bucket|sum|count)$/, "")));
    assertEquals(unknown, [], expression);
  }
});

Deno.test(
  "A Prometheus takes the rules, scrapes a server and answers each query of the dashboard",
  {
    ignore: !isInstalled("prometheus") || !isInstalled("promtool"),
  },
  async (t) => {
    await t.step("rules and configuration", async () => {
      for (const args of [["rules", "prometheus-alerts.yml"], ["config", "prometheus.yml"]]) {
        const { success, stderr, stdout } = await new Deno.Command("promtool", {
          args: ["check", ...args],
          cwd: DEPLOY,
        }).output();
        const decoder = new TextDecoder();
        assert(success, decoder.decode(stdout) + decoder.decode(stderr));
      }
    });
    const adminPort = `${freePort()}`;
    await using folder = await TempDir.make();
    await using origin = ScriptedOrigin.answering(OK);
    await using server = await startServer([
      ...["--admin-port", adminPort, "--metrics-tunnels", "1"],
    ]);
    await using tunnel = await startTunnel({ origin, server });
    await using other = await startTunnel({ origin, server });
    await tunnel.request("/");
    await other.request("/");
    await other.request("/");
    await using prometheus = await Prometheus.start(folder.path, adminPort);
    await t.step("single tunnels, and the others together", async () => {
      await eventually("what was scraped", async () => {
        const [first] = await prometheus.query(
          `tunnel_single_requests_total{tunnel="${tunnel.id}"}`,
        );
        const [rest] = await prometheus.query(`tunnel_single_requests_total{tunnel="other"}`);
        return first === 1 && rest === 2;
      });
      const sent = "tunnel_single_sent_bytes_total";
      assertEquals(await prometheus.query(`count(${sent} > 0)`), [2]);
      assertEquals(await prometheus.query("count(tunnel_single_streams)"), [1]);
    });
    await t.step("each expression", async () => {
      for (const expression of [...await alertExpressions(), ...await dashboardExpressions()]) {
        await prometheus.query(
          expression.replaceAll("$__rate_interval", "1m").replaceAll("$instance", ".*"),
        );
      }
    });
  },
);

/** A Prometheus with the configuration that is deployed, but for port and pace. */
class Prometheus implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #url: string;

  private constructor(child: Deno.ChildProcess, url: string) {
    this.#child = child;
    this.#url = url;
  }

  static async start(folder: string, adminPort: string): Promise<Prometheus> {
    const config = (await Deno.readTextFile(`${DEPLOY}prometheus.yml`))
      .replace("127.0.0.1:9519", `127.0.0.1:${adminPort}`)
      .replace("scrape_interval: 15s", "scrape_interval: 1s")
      .replace("- prometheus-alerts.yml", `- ${DEPLOY}prometheus-alerts.yml`);
    await Deno.writeTextFile(`${folder}/prometheus.yml`, config);
    const address = `127.0.0.1:${freePort()}`;
    const child = new Deno.Command("prometheus", {
      args: [
        ...[`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`],
        ...[`--web.listen-address=${address}`, "--log.level=error"],
      ],
      cwd: folder,
      stdout: "null",
      stderr: "null",
    }).spawn();
    await using started = new AsyncDisposableStack();
    const prometheus = started.use(new Prometheus(child, `http://${address}`));
    await eventually("Prometheus", async () => {
      const answer = await fetch(`http://${address}/-/ready`).catch(() => null);
      await answer?.body?.cancel();
      return answer?.ok === true;
    });
    started.move();
    return prometheus;
  }

  /** Returns the values of what an expression finds now. */
  async query(expression: string): Promise<readonly number[]> {
    const query = new URLSearchParams({ query: expression });
    const answer = await fetch(`${this.#url}/api/v1/query?${query}`);
    const { status, error, data }: QueryAnswer = await answer.json();
    assertEquals(status, "success", `${expression}: ${error}`);
    return data.result.map(({ value: [, value] }) => Number(value));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await within(this.#child.status, "the end of Prometheus");
  }
}

interface QueryAnswer {
  readonly status: string;
  readonly error?: string;
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

/** Reads the expressions of the alerts: one behind `expr:`, or in the deeper lines behind `expr: |`. */
async function alertExpressions(): Promise<readonly string[]> {
  const text = await Deno.readTextFile(`${DEPLOY}prometheus-alerts.yml`);
  return [...text.matchAll(/^ +expr: (?:\|\n((?: {10,}.*\n)+)|(.+)$)/gm)]
    .map(([, lines, line]) => (lines ?? line ?? "").trim());
}

async function dashboardExpressions(): Promise<readonly string[]> {
  const { panels }: Dashboard = JSON.parse(
    await Deno.readTextFile(`${DEPLOY}grafana-dashboard.json`),
  );
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
}

interface Dashboard {
  readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
}
